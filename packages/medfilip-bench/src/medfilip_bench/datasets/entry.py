"""One image as a label file tells it, before its pixels are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iki_knowledge import Finding
from medfilip_model.data.samples import SPLITS, Split

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.geometry import MaskSource, PixelBox
from medfilip_bench.datasets.labelled import LabelClass, Subject
from medfilip_bench.datasets.reader import ReadOptions
from medfilip_bench.datasets.splits import limited

UNKNOWN = Subject()
"""Of an image of which neither sex nor age nor view is told."""


@dataclass(frozen=True)
class Entry:
    """One image as a label file tells it.

    Attributes:
        id: Image id.
        file: Its file, which may be missing.
        patient: Whose it is.
        split: Which split it is in.
        labels: 1, 0 or NaN for each class.
        subject: Who and how.
        boxes: What was marked; None: nobody looked for boxes.
        mask: Where its mask comes from; None: it has none.
        findings: What is known of it; None: what the labels say.
        report: Its report.
    """

    id: str
    file: Path
    patient: str
    split: Split
    labels: tuple[float, ...]
    subject: Subject = UNKNOWN
    boxes: tuple[PixelBox, ...] | None = None
    mask: MaskSource | None = None
    findings: tuple[Finding, ...] | None = None
    report: str | None = None


@dataclass(frozen=True)
class Source:
    """What a reader says of the whole set.

    Attributes:
        card: The data set.
        folder: Its folder.
        classes: Columns of the labels.
        split_words: What the splits are.
        mask_of: What masks show.
        notes: What was found in reading.
    """

    card: Card
    folder: Path
    classes: tuple[LabelClass, ...]
    split_words: str
    mask_of: str | None = None
    notes: tuple[str, ...] = ()


def choose(entries: Sequence[Entry], options: ReadOptions) -> list[Entry]:
    """Return the entries of the wanted splits, at most `options.limit` of each, split by split.

    Args:
        entries: All images of the set.
        options: What is wanted.
    """
    return [
        entry
        for split in SPLITS
        if split in options.splits
        for entry in limited(
            [entry for entry in entries if entry.split == split],
            options.limit,
            options.seed,
            lambda entry: entry.patient,
        )
    ]
