"""What may flatter a score: patients or images of the test split that the model saw, or trains on.

Lines of warning for a record; none where nothing was found.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from medfilip_model.data.samples import SPLITS, Split

from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.datasets.perceptual import BITS, LIMIT, hashes_of, near_duplicates

# Splits that must not look alike: what is judged against what trains or sets thresholds.
_APART: tuple[tuple[Split, Split], ...] = (("test", "train"), ("test", "valid"))
# What a model may have seen of a set that it was trained on.
_TRAINED: tuple[Split, ...] = ("train", "valid")
# What a card says that does not tell where its images come from.
_UNSTATED = "not stated"


def warnings(data: LabelledSet, seen: Sequence[LabelledSet] = ()) -> tuple[str, ...]:
    """Say what a set's test split shares with its other splits and with what trained a model.

    Phantoms are not compared: each is drawn from an index of its own.

    Args:
        data: The set that is judged; splits that it does not hold are not compared.
        seen: Sets that the model was trained on: their training and validation splits.

    Returns:
        One line for each kind of thing that is shared.
    """
    if data.phantom:
        return ()
    lines = [line for split in _APART for line in _within(data, *split)]
    for other in seen:
        if not other.phantom:
            lines += _between(data, other)
    return tuple(lines)


def shared_images(data: LabelledSet, other: LabelledSet) -> tuple[str, ...]:
    """Say whether test images of a set are in another data set too.

    Args:
        data: The set that is judged.
        other: Another set at hand, whether or not the model saw it.

    Returns:
        A line; none where nothing is shared, or either is made of phantoms.
    """
    if data.phantom or other.phantom:
        return ()
    return tuple(
        f"{alike} of {other.card.name}, {split} split: who trains on the one should not be judged "
        f"by the other ({example})"
        for split, alike, example in _alike(data, other, SPLITS)
    )


def shared_patients(data: LabelledSet, other: LabelledSet) -> tuple[str, ...]:
    """Return patients of the test split who have images in what a model was trained on.

    Ids are compared where both sets are parts of one publication: the same number elsewhere is
    another person.

    Args:
        data: The set that is judged.
        other: The set whose training and validation splits the model saw.
    """
    same = data.card.citation == other.card.citation
    if not same or data.card.citation.startswith(_UNSTATED):
        return ()
    tested = {data.images.samples[row].patient_id for row in data.rows("test")}
    trained = {s.patient_id for s in other.images.samples if s.split in _TRAINED}
    return tuple(sorted(tested & trained))


def _within(data: LabelledSet, judged: Split, other: Split) -> list[str]:
    rows, others = data.rows(judged), data.rows(other)
    pairs = near_duplicates(hashes_of(data, judged), hashes_of(data, other))
    if not len(pairs):
        return []
    return [
        f"{_count(pairs)} of {len(rows):,} {judged} images look the same as an image of the "
        f"{other} split (at most {LIMIT} of {BITS} bits of a perceptual hash differ), though "
        f"their patients are said to be different: {_example(data, rows, data, others, pairs)}"
    ]


def _between(data: LabelledSet, other: LabelledSet) -> list[str]:
    lines: list[str] = []
    if shared := shared_patients(data, other):
        lines.append(
            f"patients of the test split in {other.card.name}, which the model was trained on: "
            f"{len(shared):,}, {shared[0]!r} for one"
        )
    lines += [
        f"{alike} of {other.card.name}, {split} split, which the model was trained on (at most "
        f"{LIMIT} of {BITS} bits of a perceptual hash differ): {example}"
        for split, alike, example in _alike(data, other, _TRAINED)
    ]
    return lines


def _alike(
    data: LabelledSet, other: LabelledSet, splits: Sequence[Split]
) -> Iterator[tuple[Split, str, str]]:
    """Find test images in the splits of another set: the split, how many, and one of them."""
    rows, hashes = data.rows("test"), hashes_of(data, "test")
    for split in splits:
        theirs = other.rows(split)
        pairs = near_duplicates(hashes, hashes_of(other, split))
        if len(pairs):
            alike = f"{_count(pairs)} of {len(rows):,} test images look the same as an image"
            yield split, alike, _example(data, rows, other, theirs, pairs)


def _count(pairs: np.ndarray) -> str:
    return f"{len(np.unique(pairs[:, 0])):,}"


def _example(
    data: LabelledSet,
    rows: Sequence[int],
    other: LabelledSet,
    others: Sequence[int],
    pairs: np.ndarray,
) -> str:
    left, right, differ = (int(value) for value in min(pairs.tolist(), key=lambda pair: pair[2]))
    mine = data.images.samples[rows[left]].id
    theirs = other.images.samples[others[right]].id
    return f"{mine!r} and {theirs!r} differ in {differ}"
