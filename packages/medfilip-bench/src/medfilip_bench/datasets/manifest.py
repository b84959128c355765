"""Any folder with images/ and manifest.csv: the NIH subsets, phantoms, a user's own."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from iki_knowledge import KnowledgeBase, load_knowledge
from medfilip_model.data import Sample
from medfilip_model.data.folder import ManifestImage, read_manifest
from medfilip_model.data.samples import labels, names

from medfilip_bench.datasets.assemble import assemble
from medfilip_bench.datasets.card import Card, Expected
from medfilip_bench.datasets.chestxray14 import CARD as CHESTXRAY14
from medfilip_bench.datasets.chestxray14 import box_category
from medfilip_bench.datasets.entry import Entry, Source, choose
from medfilip_bench.datasets.foreign import as_data_errors
from medfilip_bench.datasets.geometry import PixelBox
from medfilip_bench.datasets.inventory import take_stock
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet, Subject
from medfilip_bench.datasets.reader import Inventory, Reader, ReadOptions
from medfilip_bench.datasets.subjects import age_of, sex_of
from medfilip_bench.datasets.table import header_of, number, read_rows
from medfilip_bench.errors import DataError

MANIFEST = "manifest.csv"
BOXES = "bbox_1024px.csv"
_BOX_COLUMNS = ("image_index", "label", "x", "y", "w", "h")
# The boxes' unit: pixels of an image of this size, whatever size the folder's images have.
_SIDE = (1024.0, 1024.0)
# As `medfilip_model.data.load_folder` looks for them.
_SPLIT_COLUMNS = ("split", "official_split", "repo_split")


def reader(folder: Path, taken: Sequence[str] = ()) -> Reader:
    """Return a reader of one manifest folder; its id is the folder's name.

    Args:
        folder: Holds images/ and manifest.csv.
        taken: Ids that other data sets have.
    """
    card = _card(folder, taken)
    return Reader(card, (MANIFEST,), partial(_check, card), partial(_read, card), knows)


def knows(folder: Path) -> bool:
    """Whether a folder has a manifest with labels."""
    return {"file", "finding_labels"} <= set(header_of(folder / MANIFEST))


def _card(folder: Path, taken: Sequence[str]) -> Card:
    name = folder.resolve().name
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "folder"
    card = Card(
        id=f"{slug}_folder" if slug in taken else slug,
        name=name,
        source="a folder with a manifest",
        licence="not stated in the folder",
        access="a folder of one's own: images/ and manifest.csv",
        citation="not stated in the folder",
        classes={},
        splits=_split_words(folder),
        folders=(name,),
        layout=(
            Expected(MANIFEST, "file, finding_labels; patient_id, split, age, sex, view if known"),
            Expected("images/", "the files that the manifest names"),
            Expected(BOXES, "boxes in pixels of a 1024 x 1024 image", needed=False),
        ),
        notes=("A class that the manifest does not name for an image is taken as absent.",),
    )
    # Its file names are NIH's: so are its terms.
    if "image_index" in header_of(folder / MANIFEST):
        return replace(
            card,
            source=f"{name}: a part of {CHESTXRAY14.name}",
            licence=CHESTXRAY14.licence,
            citation=CHESTXRAY14.citation,
            notes=(*card.notes, CHESTXRAY14.notes[0]),
            pictures=CHESTXRAY14.pictures,
        )
    return card


def _split_words(folder: Path) -> str:
    header = header_of(folder / MANIFEST)
    column = next((name for name in _SPLIT_COLUMNS if name in header), None)
    if column is None:
        return "divided by a hash of the patient, 70 % train, 15 % valid, 15 % test"
    return (
        f"the manifest's column {column!r}; train_val, where it says so, is divided by a hash of "
        "the patient, 70 parts train to 15 valid"
    )


def _entries(folder: Path, name: str, kb: KnowledgeBase) -> tuple[tuple[str, ...], list[Entry]]:
    """Categories that the manifest names, and its images."""
    with as_data_errors(name):
        rows = read_manifest(folder, kb)
    categories = _categories([row.sample for row in rows], kb)
    table = labels([row.sample for row in rows], categories, kb).tolist()
    subjects = _subjects(folder, rows)
    boxes = _boxes(folder / BOXES) if (folder / BOXES).is_file() else {}
    return categories, [
        Entry(
            id=row.sample.id,
            file=folder / "images" / row.file,
            patient=row.sample.patient_id,
            split=row.sample.split,
            labels=tuple(values),
            subject=subject,
            boxes=tuple(boxes[row.sample.id]) if row.sample.id in boxes else None,
            findings=row.sample.findings,
            report=row.sample.report,
        )
        for row, values, subject in zip(rows, table, subjects, strict=True)
    ]


def _categories(samples: Sequence[Sample], kb: KnowledgeBase) -> tuple[str, ...]:
    """Categories that an image of any split shows: ChestX-ray14's in its order, then others."""
    named = {finding.category for sample in samples for finding in sample.present}
    official = list(kb.classes("chestxray14").values())
    shown = {broader for category in named for broader in names(category, kb)}
    first = [category for category in official if category in shown]
    return (*first, *sorted(named - set(first)))


def _subjects(folder: Path, rows: Sequence[ManifestImage]) -> list[Subject]:
    columns = [c for c in ("sex", "age") if c in header_of(folder / MANIFEST)]
    told = read_rows(folder / MANIFEST, ("file", *columns))
    return [
        Subject(sex_of(entry.get("sex")), age_of(entry.get("age")), row.sample.view)
        for row, entry in zip(rows, told, strict=True)
    ]


def _boxes(path: Path) -> dict[str, list[PixelBox]]:
    found: dict[str, list[PixelBox]] = defaultdict(list)
    for line, row in enumerate(read_rows(path, _BOX_COLUMNS), start=2):
        where = f"{path.name} line {line}"
        place = [number(row[column], f"{where}, {column}") for column in ("x", "y", "w", "h")]
        box = PixelBox(box_category(row["label"], where), *place, image=_SIDE)
        found[Path(row["image_index"]).stem].append(box)
    return found


def _check(card: Card, folder: Path) -> Inventory:
    """Say what of the folder is there; its own manifest says what should be."""
    try:
        listed = _entries(folder, card.name, load_knowledge())[1]
    except DataError as error:
        return Inventory(card, folder, wrong=(str(error),))
    return take_stock(card, folder, lambda: listed, images=len(listed))


def _read(card: Card, folder: Path, options: ReadOptions) -> LabelledSet:
    """Read the folder; see `medfilip_bench.datasets.assemble.assemble` for what it raises."""
    categories, entries = _entries(folder, card.name, options.kb)
    official = {category: name for name, category in CHESTXRAY14.classes.items()}
    classes = tuple(LabelClass(c, official.get(c, options.kb[c].name)) for c in categories)
    told = replace(card, classes={c.name: c.category for c in classes})
    source = Source(told, folder, classes, card.splits)
    return assemble(source, choose(entries, options), options)
