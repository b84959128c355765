"""Which patients' labels a share of the training split is."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from medfilip_bench.datasets.labelled import LabelledSet


def draw_rows(data: LabelledSet, rows: Sequence[int], share: float, seed: int) -> list[int]:
    """Return the rows of the patients that a seed draws.

    Draws are nested: what 1 % holds, 10 % holds too. Whole patients are drawn, at least one. The
    first of them are chosen so that each class has one who shows it and one who does not, the
    rarest class first: a hundredth of a small set would else teach most classes nothing.

    Args:
        data: The set.
        rows: Rows of its training split.
        share: Share of the patients of these rows, above 0 and at most 1.
        seed: Of their order.

    Returns:
        Rows in their own order; all of them for a share of 1.

    Raises:
        ValueError: If the share is no share.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of the labels is above 0 and at most 1, got {share!r}")
    if share == 1:
        return list(rows)
    patients = data.patients
    known, whose = np.unique([patients[row] for row in rows], return_inverse=True)
    turn = _order(data.labels[list(rows)], whose, len(known), seed)
    drawn = set(turn[: max(1, round(share * len(known)))].tolist())
    return [row for row, patient in zip(rows, whose.tolist(), strict=True) if patient in drawn]


def unlearnable(labels: Float[np.ndarray, "N C"]) -> tuple[str | None, ...]:
    """Return, for each class, why nothing can be learnt from labels; None where it can.

    Args:
        labels: 1 present, 0 absent, NaN not known.
    """
    reasons: list[str | None] = []
    for column in labels.T:
        known = column[~np.isnan(column)]
        lacks = "positives" if not (known == 1).any() else "negatives"
        whole = bool((known == 1).any() and (known == 0).any())
        reasons.append(None if whole else f"no {lacks} among {len(known)} training labels")
    return tuple(reasons)


def _order(
    labels: Float[np.ndarray, "N C"], whose: Int[np.ndarray, " N"], patients: int, seed: int
) -> Int[np.ndarray, " P"]:
    """Return all patients in the order in which they are drawn."""
    turn = np.random.default_rng(seed).permutation(patients)
    shows, lacks = (_any(labels == value, whose, patients)[turn] for value in (1, 0))
    front: list[int] = []
    for c in np.argsort(shows.sum(axis=0), kind="stable"):
        for has in (shows[:, c], lacks[:, c]):
            if has.any() and not has[front].any():
                front.append(int(has.argmax()))
    rest = np.setdiff1d(np.arange(patients), front)
    return turn[np.concatenate([np.array(front, dtype=np.int64), rest])]


def _any(
    marked: Bool[np.ndarray, "N C"], whose: Int[np.ndarray, " N"], patients: int
) -> Bool[np.ndarray, "P C"]:
    """Whether any image of a patient is marked."""
    found = np.zeros((patients, marked.shape[1]), dtype=bool)
    np.logical_or.at(found, whose, marked)
    return found
