"""Counts, scores and their bootstrap intervals. Pure."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import mul

# Per report: hits, false ones, missed ones.
Triple = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was found, said falsely and missed.

    Attributes:
        hit: Said, and in the gold.
        false: Said, and not in the gold.
        missed: In the gold, and not said.
    """

    hit: int
    false: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Share of what was said that is in the gold; None when nothing was said."""
        return _share(self.hit, self.hit + self.false)

    @property
    def recall(self) -> float | None:
        """Share of the gold that was said; None when the gold has none."""
        return _share(self.hit, self.hit + self.missed)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both, 2 hit / (2 hit + false + missed); None when all are 0."""
        return _share(2 * self.hit, 2 * self.hit + self.false + self.missed)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % percentile bootstrap interval over reports.

    Attributes:
        value: The figure; None where it is not defined (nothing to divide by).
        low: Lower end; None where the figure is, or no interval was asked for.
        high: Upper end.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """Counts with precision, recall and F1."""

    counts: Counts
    precision: Estimate
    recall: Estimate
    f1: Estimate


_FIGURES: Mapping[str, Callable[[Counts], float | None]] = {
    "precision": lambda counts: counts.precision,
    "recall": lambda counts: counts.recall,
    "f1": lambda counts: counts.f1,
}


class Bootstrap:
    """Resamples of the same reports, shared by every score so that they can be compared.

    They take a byte for each report and resample: 3 MB for Open-i, 230 MB for 227,835 reports.
    """

    def __init__(self, reports: int, resamples: int = 1000, seed: int = 0) -> None:
        """Draw how often each report stands in each resample.

        Args:
            reports: Number of reports.
            resamples: How many times to draw as many reports with replacement; 0 for no intervals.
            seed: Of the generator.
        """
        generator = random.Random(seed)
        self._weights = [_drawn(generator, reports) for _ in range(resamples)]

    def score(self, per_report: Mapping[int, Triple]) -> Scored:
        """Sum up and give the intervals.

        Args:
            per_report: Index of a report -> (hit, false, missed); (0, 0, 0) for those left out.

        Returns:
            The scores of the whole, with intervals.
        """
        rows, triples = list(per_report), list(per_report.values())
        columns = [list(column) for column in zip(*triples, strict=True)] or [[], [], []]
        total = Counts(*map(sum, columns))
        drawn: list[Counts] = []
        for weights in self._weights:
            times = [weights[row] for row in rows]
            drawn.append(Counts(*(sum(map(mul, times, column)) for column in columns)))
        estimates = {
            name: _estimate(figure(total), [figure(counts) for counts in drawn])
            for name, figure in _FIGURES.items()
        }
        return Scored(total, **estimates)

    def mean(self, per_report: Mapping[int, int], among: Sequence[int]) -> Estimate:
        """A mean over some of the reports.

        Args:
            per_report: Index of a report -> number; 0 for those left out.
            among: The reports to take the mean over.

        Returns:
            The mean with its interval; not defined when there is no report.
        """
        values = [per_report.get(row, 0) for row in among]
        drawn: list[float | None] = []
        for weights in self._weights:
            times = [weights[row] for row in among]
            drawn.append(_share(sum(map(mul, times, values)), sum(times)))
        return _estimate(_share(sum(values), len(values)), drawn)


def _drawn(generator: random.Random, reports: int) -> bytearray:
    # One byte a report: that one is drawn more than 255 times does not happen.
    weights = bytearray(reports)
    for row, times in Counter(generator.choices(range(reports), k=reports)).items():
        weights[row] = times
    return weights


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _estimate(value: float | None, drawn: Sequence[float | None]) -> Estimate:
    """The middle 95 % of the resamples in which the figure is defined."""
    defined = sorted(figure for figure in drawn if figure is not None)
    if value is None or not defined:
        return Estimate(value)
    return Estimate(value, _quantile(defined, 0.025), _quantile(defined, 0.975))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """By linear interpolation between the two nearest."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def macro_f1(scores: Mapping[str, Scored], at_least: int = 10) -> tuple[float | None, int]:
    """The mean F1 of the categories that are common enough.

    Args:
        scores: By category.
        at_least: How many positives the gold must have.

    Returns:
        The mean (None without such a category), and the number of categories.
    """
    values = [
        one.counts.f1 or 0.0
        for one in scores.values()
        if one.counts.hit + one.counts.missed >= at_least
    ]
    return _share(sum(values), len(values)), len(values)
