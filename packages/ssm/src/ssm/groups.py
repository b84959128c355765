"""Similarity within and between groups of texts: does the encoder tell the groups apart? Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ssm.calibration import Calibration
from ssm.errors import SsmError
from ssm.similarity import normalise

_SAMPLE = 4096  # Texts whose pairs are all looked at, 8 million; a larger bank is sampled evenly.


@dataclass(frozen=True)
class Band:
    """The similarities of one kind of pairs.

    Attributes:
        pairs: How many were looked at.
        mean: Their mean.
        deviation: Their standard deviation.
        percentiles: Values at 5, 50 and 95 %.
        clamped: Share of them at 0 or below, which are 0 in a target.
    """

    pairs: int
    mean: float
    deviation: float
    percentiles: dict[int, float]
    clamped: float


@dataclass(frozen=True)
class Group:
    """One group, over all of its texts.

    Attributes:
        name: Its name.
        texts: How many texts it has.
        within: Mean similarity of two different texts of it; None where it has one.
        nearest: The other group whose texts are most similar to its own; None where there is none.
        between: Mean similarity of its texts with those of ``nearest``.
    """

    name: str
    texts: int
    within: float | None
    nearest: str | None
    between: float | None


@dataclass(frozen=True)
class GroupSpread:
    """How far groups are apart.

    Attributes:
        within: Pairs of different texts of one group.
        between: Pairs of texts of two groups.
        gap: Difference of the two means, in pooled standard deviations.
        auc: Probability that a pair within is more similar than a pair between; a tie is half.
        groups: The groups, the largest first.
        sampled: Texts whose pairs were looked at.
    """

    within: Band
    between: Band
    gap: float
    auc: float
    groups: tuple[Group, ...]
    sampled: int


def measure_groups(
    embeddings: Float[Tensor, "U D"],
    groups: Sequence[str],
    calibration: Calibration | None = None,
) -> GroupSpread:
    """Measure the similarities within and between groups, before any clamp.

    Of more than 4096 texts an even sample is looked at, but for the means of each group.

    Args:
        embeddings: One row per text, of any length.
        groups: The group of each text; texts of the group ``""`` are left out.
        calibration: Applied to rows and cosines; by default none.

    Raises:
        SsmError: The groups are not one for each text, or there is no pair within a group or none
            between two.
    """
    calibration = calibration or Calibration()
    rows, names, ids = _kept(embeddings, groups, calibration)
    step = max(1, -(-len(rows) // _SAMPLE))
    within, between = _split(rows[::step], ids[::step], calibration)
    return GroupSpread(
        within=_band(within),
        between=_band(between),
        gap=_gap(within, between),
        auc=_auc(within, between),
        groups=_each(rows, names, ids, calibration),
        sampled=len(rows[::step]),
    )


def split_pairs(
    embeddings: Float[Tensor, "U D"],
    groups: Sequence[str],
    calibration: Calibration | None = None,
) -> tuple[Float[Tensor, " P"], Float[Tensor, " Q"]]:
    """The similarities that ``measure_groups`` sums up: P pairs within, Q pairs between groups.

    Arguments and errors are those of ``measure_groups``.
    """
    calibration = calibration or Calibration()
    rows, _, ids = _kept(embeddings, groups, calibration)
    step = max(1, -(-len(rows) // _SAMPLE))
    return _split(rows[::step], ids[::step], calibration)


def _kept(
    embeddings: Tensor, groups: Sequence[str], calibration: Calibration
) -> tuple[Tensor, list[str], Int[Tensor, " U"]]:
    """Calibrated rows of the texts that have a group, the groups' names, and a number for each."""
    if len(groups) != len(embeddings):
        raise SsmError(f"expected a group for each of {len(embeddings)} texts, got {len(groups)}")
    kept = torch.tensor([row for row, name in enumerate(groups) if name], dtype=torch.long)
    rows = calibration.rows(normalise(embeddings[kept.to(embeddings.device)])).cpu().float()
    names = list(dict.fromkeys(name for name in groups if name))
    number = {name: place for place, name in enumerate(names)}
    ids = torch.tensor([number[name] for name in groups if name], dtype=torch.long)
    return rows, names, ids


def _split(rows: Tensor, ids: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
    first, second = torch.triu_indices(len(rows), len(rows), offset=1)
    values = calibration.apply(rows @ rows.T)[first, second]
    same = ids[first] == ids[second]
    within, between = values[same], values[~same]
    if not len(within) or not len(between):
        raise SsmError(
            f"{len(rows)} texts in {len(ids.unique())} groups have {len(within)} pairs within a "
            f"group and {len(between)} between two: both are needed"
        )
    return within, between


def _band(values: Tensor) -> Band:
    levels = values.sort().values
    at = {q: float(levels[round((len(levels) - 1) * q / 100)]) for q in (5, 50, 95)}
    return Band(
        pairs=len(values),
        mean=float(values.double().mean()),
        deviation=float(values.double().std(correction=0)),
        percentiles=at,
        clamped=float((values <= 0).double().mean()),
    )


def _gap(within: Tensor, between: Tensor) -> float:
    a, b = within.double(), between.double()
    pooled = math.sqrt(float(a.var(correction=0) + b.var(correction=0)) / 2)
    return float(a.mean() - b.mean()) / pooled if pooled else 0.0


def _auc(within: Tensor, between: Tensor) -> float:
    """The Mann-Whitney statistic, as a share of all pairs of pairs."""
    ordered = between.sort().values
    below = torch.searchsorted(ordered, within, right=False).double()
    up_to = torch.searchsorted(ordered, within, right=True).double()
    return float((below + up_to).mean()) / 2 / len(ordered)


def _each(
    rows: Tensor, names: list[str], ids: Tensor, calibration: Calibration
) -> tuple[Group, ...]:
    """Mean similarities from the sums of each group's rows: exact, and without a [U, U]."""
    exact = rows.double()
    sums = exact.new_zeros(len(names), rows.shape[1]).index_add(0, ids, exact)
    selves = exact.new_zeros(len(names)).index_add(0, ids, exact.square().sum(dim=1))
    counts = torch.bincount(ids, minlength=len(names)).double()
    totals = sums @ sums.T
    others = calibration.apply(totals / (counts[:, None] * counts))
    inner = calibration.apply(
        ((totals.diagonal() - selves) / (counts * (counts - 1)).clamp(min=1))[:, None]
    )
    nearest = others.fill_diagonal_(-torch.inf).argmax(dim=1).tolist()
    found: list[Group] = []
    for place, name in enumerate(names):
        alone = len(names) == 1
        found.append(
            Group(
                name=name,
                texts=int(counts[place]),
                within=float(inner[place, 0]) if counts[place] > 1 else None,
                nearest=None if alone else names[nearest[place]],
                between=None if alone else float(others[place, nearest[place]]),
            )
        )
    return tuple(sorted(found, key=lambda group: -group.texts))
