"""Phantom twins: the class list of a data set, asked of phantoms by the same code."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from iki_knowledge import KnowledgeBase
from jaxtyping import Float
from medfilip_model.data import Sample
from medfilip_model.data.samples import SPLITS, Split, labels, names
from medfilip_model.phantom import SEEN_CATEGORIES, UNSEEN_CATEGORIES

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.chestxray14 import CARD as CHESTXRAY14
from medfilip_bench.datasets.chexpert import CARD as CHEXPERT
from medfilip_bench.datasets.covid_qu_ex import CARD as COVID_QU_EX
from medfilip_bench.datasets.covid_radiography import CARD as COVID_RADIOGRAPHY
from medfilip_bench.datasets.drawing import LUNGS
from medfilip_bench.datasets.grades import grade_of, graded_classes
from medfilip_bench.datasets.kermany import CARD as KERMANY
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.datasets.mimic import FIVE, MIMIC_16, MIMIC_FG, MIMIC_MULTI
from medfilip_bench.datasets.phantom_set import PhantomSet
from medfilip_bench.datasets.pool import PhantomPool
from medfilip_bench.datasets.rsna import CARD as RSNA
from medfilip_bench.datasets.siim import CARD as SIIM
from medfilip_bench.datasets.six_entities import CARD as SIX_ENTITIES
from medfilip_bench.datasets.vinbigdata import CARD as VINBIGDATA
from medfilip_bench.datasets.vinbigdata import COMMON as VINBIGDATA_COMMON
from medfilip_bench.errors import UnknownNameError
from medfilip_bench.files import hash_of

__all__ = ["TWINS", "PhantomPool", "draw_now", "twin"]

Table = Float[np.ndarray, "N C"]
Twin = Callable[[PhantomPool, KnowledgeBase, bool], LabelledSet]


def twin(name: str, pool: PhantomPool, kb: KnowledgeBase, *, masks: bool = False) -> LabelledSet:
    """Return the phantom twin of a data set; nothing is drawn before its pixels are read.

    A finding counts as each of its broader categories too, as in every multi-label set.

    Args:
        name: Id of the data set.
        pool: The phantoms.
        kb: The dictionary.
        masks: Whether masks are wanted.

    Raises:
        UnknownNameError: If the data set has no twin; the message names the near ones.
    """
    if name not in TWINS:
        raise UnknownNameError("phantom twin", name, TWINS)
    return TWINS[name](pool, kb, masks)


def draw_now(data: LabelledSet, splits: Sequence[Split], pool: PhantomPool) -> None:
    """Draw the phantoms of some splits of a twin before they are read; real sets stay as they are.

    Args:
        data: The set that a task is given.
        splits: The splits that it reads.
        pool: What its twin was made of.
    """
    for phantoms in pool.planned():
        if data.images is phantoms.images:
            phantoms.draw(splits)


def _multi(
    card: Card, layer: str | None, pool: PhantomPool, kb: KnowledgeBase, masks: bool
) -> LabelledSet:
    """A data set's classes on the multi-label phantoms, as far as these show them."""
    classes = shown(card, kb)
    table = labels(pool.multi().images.samples, [c.category for c in classes], kb)
    return _made(card, pool.multi(), classes, table, kb, layer if masks else None)


def _vinbigdata(pool: PhantomPool, kb: KnowledgeBase, masks: bool) -> LabelledSet:
    eight = {name: c for name, c in VINBIGDATA.classes.items() if c in VINBIGDATA_COMMON}
    return _multi(replace(VINBIGDATA, classes=eight), None, pool, kb, masks)


def _mimic_multi(pool: PhantomPool, kb: KnowledgeBase, masks: bool) -> LabelledSet:
    seen = {kb[category].name: category for category in SEEN_CATEGORIES}
    return _multi(replace(MIMIC_MULTI, classes=seen), None, pool, kb, masks)


def _mimic_16(pool: PhantomPool, kb: KnowledgeBase, masks: bool) -> LabelledSet:
    """One class an image, by its own category: broader ones would make it two."""
    classes = tuple(LabelClass(category, kb[category].name) for category in SEEN_CATEGORIES)
    phantoms = pool.single()
    table = labels(phantoms.images.samples, SEEN_CATEGORIES).astype(np.float64)
    return _made(MIMIC_16, phantoms, classes, table, kb, None)


def _mimic_fg(pool: PhantomPool, kb: KnowledgeBase, masks: bool) -> LabelledSet:
    phantoms, classes = pool.graded(), graded_classes(FIVE, kb)
    place = {(c.category, c.severity): column for column, c in enumerate(classes)}
    table = np.zeros((len(phantoms.plans), len(classes)))
    for row, plan in enumerate(phantoms.plans):
        finding = plan.findings[0]
        table[row, place[finding.category, grade_of(finding, kb)]] = 1
    return _made(MIMIC_FG, phantoms, classes, table, kb, None)


def _covid(card: Card, pool: PhantomPool, kb: KnowledgeBase, masks: bool) -> LabelledSet:
    """COVID-19 stands apart: an image that shows it counts as no other class of the set."""
    phantoms = pool.covid()
    alone = set(shown(card, kb))
    classes = tuple(
        LabelClass(c, name)
        for name, c in card.classes.items()
        if c in UNSEEN_CATEGORIES or LabelClass(c, name) in alone
    )
    table = labels(phantoms.images.samples, [c.category for c in classes], kb).astype(np.float64)
    column = [c.category for c in classes].index("covid19")
    others = [c for c in range(len(classes)) if c != column]
    covid = table[:, column] == 1
    table[np.ix_(covid, others)] = 0
    made = _made(card, phantoms, classes, table, kb, LUNGS if masks else None)
    return replace(made, card=replace(made.card, single=False))


def _kermany(pool: PhantomPool, kb: KnowledgeBase, masks: bool) -> LabelledSet:
    """Pneumonia against normal: phantoms that show neither are not judged."""
    phantoms = pool.multi()
    classes = shown(KERMANY, kb)
    table = labels(phantoms.images.samples, ["pneumonia"], kb).astype(np.float64)
    for row, sample in enumerate(phantoms.images.samples):
        if table[row, 0] == 0 and _abnormal(sample):
            table[row, 0] = np.nan
    note = (
        "Pneumonia is told from normal: phantoms that show another class and no pneumonia are in "
        "the set and not judged. Masks are the lung fields as the film shows them."
    )
    made = _made(KERMANY, phantoms, classes, table, kb, LUNGS if masks else None)
    return replace(made, notes=(*made.notes, note))


def _abnormal(sample: Sample) -> bool:
    return any(finding.category in SEEN_CATEGORIES for finding in sample.present)


def shown(card: Card, kb: KnowledgeBase) -> tuple[LabelClass, ...]:
    """Return the classes of a data set that phantoms show, themselves or as a narrower one.

    Args:
        card: The data set.
        kb: Knows what is broader.
    """
    seen = {broader for category in SEEN_CATEGORIES for broader in names(category, kb)}
    return tuple(LabelClass(c, name) for name, c in card.classes.items() if c in seen)


def _made(
    card: Card,
    phantoms: PhantomSet,
    classes: tuple[LabelClass, ...],
    table: Table,
    kb: KnowledgeBase,
    layer: str | None,
) -> LabelledSet:
    """Join phantoms with labels; boxes carry the classes that a drawn category stands for.

    Sets in which an image has one class have no boxes: nothing is left to point at.
    """
    wanted = [c.category for c in classes]
    stands_for = {d: [c for c in names(d, kb) if c in wanted] for d in SEEN_CATEGORIES}
    truth = hashlib.sha256(np.ascontiguousarray(table, dtype=np.float64).tobytes()).hexdigest()
    told = [[c.category, c.name] for c in classes]
    return LabelledSet(
        card=_twin_card(card, classes),
        phantom=True,
        key=hash_of([card.id, dict(phantoms.pixel_keys), told, truth, layer]),
        pixel_keys=phantoms.pixel_keys,
        images=phantoms.images,
        classes=classes,
        labels=table,
        split_words=_words(phantoms),
        subjects=phantoms.subjects,
        boxes={} if card.single else phantoms.boxes(stands_for),
        masks=phantoms.masks(layer) if layer else None,
        mask_of=layer,
        notes=_missing(card, classes),
    )


def _twin_card(card: Card, classes: Sequence[LabelClass]) -> Card:
    """The card of the phantoms: nothing of the data set but its id, name and classes is theirs."""
    return replace(
        card,
        name=f"{card.name}, phantom twin",
        source="procedural phantoms of medfilip-model",
        licence="Apache-2.0",
        access="drawn when they are asked for",
        citation="none: nothing in them comes from a patient",
        classes={c.name: c.category for c in classes},
        splits="by index; every phantom is a patient of its own",
        folders=(),
        layout=(),
        notes=(),
        pictures=True,
    )


def _words(phantoms: PhantomSet) -> str:
    counts = {split: len(phantoms.images.rows(split)) for split in SPLITS}
    words = f"{counts['test']:,} phantoms of the test indices are judged; held-out thresholds come "
    words += f"from {counts['valid']:,} others"
    return words + (f", probes train on {counts['train']:,} more" if counts["train"] else "")


def _missing(card: Card, classes: Sequence[LabelClass]) -> tuple[str, ...]:
    """Say which classes of the data set phantoms do not show."""
    there = {c.category for c in classes}
    gone = [name for name, category in card.classes.items() if category not in there]
    if not gone or card.id in ("mimic_16", "mimic_fg"):
        return ()
    return (f"Phantoms do not show {', '.join(gone)}: these classes are not in the twin.",)


TWINS: Mapping[str, Twin] = {
    "chestxray14": partial(_multi, CHESTXRAY14, None),
    "rsna": partial(_multi, RSNA, None),
    "vinbigdata": _vinbigdata,
    "siim": partial(_multi, SIIM, "pneumothorax"),
    "chexpert": partial(_multi, CHEXPERT, None),
    "six_entities": partial(_multi, SIX_ENTITIES, None),
    "mimic_16": _mimic_16,
    "mimic_multi": _mimic_multi,
    "mimic_fg": _mimic_fg,
    "covid_radiography": partial(_covid, COVID_RADIOGRAPHY),
    "covid_qu_ex": partial(_covid, COVID_QU_EX),
    "kermany": _kermany,
}
