"""The six entities of the second source, read from whichever set at hand labels them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from medfilip_bench.datasets import chestxray14, chexpert, mimic
from medfilip_bench.datasets.card import Card, Expected
from medfilip_bench.datasets.inventory import place_of
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.datasets.prepared import read_prepared
from medfilip_bench.datasets.reader import Inventory, Reader, ReadOptions
from medfilip_bench.errors import DataError
from medfilip_bench.files import hash_of

CARD = Card(
    id="six_entities",
    name="Six entities",
    source="a view of MIMIC-multi, CheXpert or ChestX-ray14, whichever is there, in this order",
    licence="that of the set it is read from",
    access="get one of MIMIC-multi, CheXpert or ChestX-ray14",
    citation="that of the set it is read from",
    classes={
        "Opacity": "lung_opacity",
        "Pneumothorax": "pneumothorax",
        "Cardiomegaly": "cardiomegaly",
        "Effusion": "pleural_effusion",
        "Consolidation": "consolidation",
        "Atelectasis": "atelectasis",
    },
    splits="those of the set it is read from",
    layout=(Expected("(that of the set)", "MIMIC-multi, CheXpert or ChestX-ray14"),),
    notes=(
        "The second source judged a small subset of MIMIC-CXR that it does not name: its figures "
        "are no target for this table.",
    ),
)
# CheXpert's own names of the six.
_CHEXPERT = {
    "Lung Opacity": "lung_opacity",
    "Pneumothorax": "pneumothorax",
    "Cardiomegaly": "cardiomegaly",
    "Pleural Effusion": "pleural_effusion",
    "Consolidation": "consolidation",
    "Atelectasis": "atelectasis",
}
_SIX = tuple(CARD.classes.values())


def _from_mimic(folder: Path, options: ReadOptions) -> LabelledSet:
    """The six as findings of MIMIC-multi, narrower ones counted, whatever its own classes are."""
    return read_prepared(
        mimic.MIMIC_MULTI,
        lambda samples, _, kb: mimic.of_multi(samples, _SIX, kb),
        folder,
        options,
    )


def _from_chexpert(folder: Path, options: ReadOptions) -> LabelledSet:
    return chexpert.read(folder, options, _CHEXPERT)


def _from_chestxray14(folder: Path, options: ReadOptions) -> LabelledSet:
    """Five of the six: ChestX-ray14 has no label for an opacity."""
    data = chestxray14.read(folder, options)
    there = {c.category for c in data.classes}
    return data.with_classes([category for category in _SIX if category in there])


# The nearest to the second source's data first.
BASES: tuple[tuple[Reader, Callable[[Path, ReadOptions], LabelledSet]], ...] = (
    (mimic.READER_MULTI, _from_mimic),
    (chexpert.READER, _from_chexpert),
    (chestxray14.READER, _from_chestxray14),
)


def base(folder: Path) -> int | None:
    """Return the place in `BASES` of the set that a folder holds; None where it is none."""
    for place, (reader, _) in enumerate(BASES):
        if place_of(folder, reader.marker, reader.knows) is not None:
            return place
    return None


def check(folder: Path) -> Inventory:
    """Say what of the set that the six are read from is in a folder."""
    place = base(folder)
    if place is None:
        return Inventory(CARD, None, missing=(CARD.access,))
    found = BASES[place][0].check(folder)
    words = f"read from {BASES[place][0].card.name}"
    return replace(found, card=CARD, found=(words, *found.found))


def read(folder: Path, options: ReadOptions) -> LabelledSet:
    """Read the six entities of the set that a folder holds.

    Raises:
        DataError: If it holds none of them, and as its reader does.
    """
    place = base(folder)
    if place is None:
        raise DataError(f"{CARD.name}: the folder holds neither {_names()}")
    reader, view = BASES[place]
    data = view(folder, options)
    name = {category: word for word, category in CARD.classes.items()}
    there = {c.category for c in data.classes}
    missing = [word for word, category in CARD.classes.items() if category not in there]
    notes = (f"{reader.card.name} has no label for {', '.join(missing)}.",) if missing else ()
    card = replace(
        reader.card,
        id=CARD.id,
        name=f"{CARD.name} ({reader.card.name})",
        classes={name[c.category]: c.category for c in data.classes},
        notes=(*reader.card.notes, *CARD.notes),
    )
    return replace(
        data,
        card=card,
        key=hash_of([CARD.id, data.key]),
        classes=tuple(LabelClass(c.category, name[c.category]) for c in data.classes),
        notes=(*data.notes, *notes),
    )


def _names() -> str:
    *first, last = (reader.card.name for reader, _ in BASES)
    return f"{', '.join(first)} nor {last}"


READER = Reader(
    CARD,
    tuple(dict.fromkeys(mark for reader, _ in BASES for mark in reader.marker)),
    check,
    read,
    lambda folder: base(folder) is not None,
)
