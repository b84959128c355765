"""The judged split of a data set and the one that gives thresholds, as every task reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from medfilip_model.data.samples import Split

from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.errors import DataError
from medfilip_bench.features import Encoder
from medfilip_bench.files import hash_of
from medfilip_bench.protocols import Scored
from medfilip_bench.results import DataInfo, Skipped
from medfilip_bench.stats import patient_groups
from medfilip_bench.tasks.prompting import Texts


@dataclass(frozen=True)
class Judged:
    """Which splits of a set play which part.

    Attributes:
        test: The split that is judged: ``test``, or the one that stands in where there is none.
        valid: The split that held-out thresholds come from; None where none is left.
        words: Both in words.
    """

    test: Split
    valid: Split | None
    words: str


def judged(data: LabelledSet) -> Judged:
    """Choose the split that is judged, and the one that thresholds come from.

    Args:
        data: The set.

    Raises:
        DataError: If no split holds an image.
    """
    kept: list[Split] = [split for split in ("test", "valid", "train") if data.rows(split)]
    if not kept:
        raise DataError(f"{data.card.id}: no image in any split")
    test, *others = kept
    valid = others[0] if others else None
    if data.phantom:
        return Judged(test, valid, data.split_words)
    taken = f"held-out thresholds come from {valid!r}" if valid else "no split gives thresholds"
    return Judged(test, valid, f"split {test!r} is judged, {taken}; {data.split_words}")


def all_but_valid(data: LabelledSet) -> LabelledSet:
    """Return the set with its training images among those that are judged.

    Fair only to a model that was trained on none of them, by tasks that fit nothing.

    Args:
        data: The set, with all of its splits.
    """
    keys = data.pixel_keys
    images = data.images.map(lambda s: s if s.split == "valid" else replace(s, split="test"))
    both = hash_of(["train and test", keys.get("train", ""), keys.get("test", "")])
    return replace(
        data,
        key=hash_of(["all but valid", data.key]),
        pixel_keys={"test": both, "valid": keys.get("valid", "")},
        images=images,
        split_words=f"{data.split_words}; training images are judged too",
    )


def scored(
    encoder: Encoder,
    data: LabelledSet,
    split: Split,
    classes: Sequence[LabelClass],
    texts: Sequence[Texts],
) -> Scored:
    """Return labels, scores and patients of a split, one column a class.

    Args:
        encoder: The model.
        data: The set.
        split: Which of its images.
        classes: Classes of the set; one may stand twice, asked in two ways.
        texts: The texts of each.
    """
    place = {c.id: column for column, c in enumerate(data.classes)}
    rows = data.rows(split)
    return Scored(
        labels=data.labels[rows][:, [place[c.id] for c in classes]].astype(np.float64),
        scores=encoder.scores(data, split, [_category(c) for c in classes], texts),
        groups=patient_groups([data.images.samples[row].patient_id for row in rows]),
    )


def _category(name: LabelClass) -> str | None:
    """The category that a supervised model may know; it knows no grades."""
    return name.category if name.severity is None else None


def describe(data: LabelledSet, parts: Judged, *, rows: Sequence[int] | None = None) -> DataInfo:
    """Return what a record says of its data.

    Args:
        data: The set.
        parts: Its splits.
        rows: The rows that are judged; all of the judged split where None.
    """
    rows = data.rows(parts.test) if rows is None else rows
    return DataInfo(
        name=data.images.name,
        phantom=data.phantom,
        sha256=data.key,
        n=len(rows),
        patients=len({data.images.samples[row].patient_id for row in rows}),
        split=parts.words,
        threshold_n=0 if parts.valid is None else len(data.rows(parts.valid)),
        skipped=tuple(Skipped(file=s.file, reason=s.reason) for s in data.images.skipped),
        id=data.card.id,
        licence=data.card.licence,
        citation=data.card.citation,
    )
