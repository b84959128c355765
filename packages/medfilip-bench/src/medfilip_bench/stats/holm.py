"""Holm's correction for many tests."""

from collections.abc import Sequence


def holm(ps: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return the step-down adjusted p of each test (Holm 1979).

    Of all tests whose adjusted p is at most α, the chance that any is a false alarm is at most α,
    however they depend on each other.

    Args:
        ps: One p a test; None for one that could not be made, which does not count.
    """
    made = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, place) in enumerate(made):
        highest = max(highest, min(1.0, (len(made) - rank) * p))
        adjusted[place] = highest
    return tuple(adjusted)
