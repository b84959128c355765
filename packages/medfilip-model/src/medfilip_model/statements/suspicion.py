"""How much an image speaks for a mistake anywhere among what is said, and not said, of it; pure."""

import math
from collections.abc import Sequence

import numpy as np

# Before an image is looked at: a statement is wrong once in twenty, ...
WRONG = math.log(1 / 19)
# ... and of the findings that are there, one in five is left out.
LEFT_OUT = math.log(1 / 5)


def suspicion(points: Sequence[tuple[float, float]]) -> float:
    """Pool the doubts of all points where a report may be wrong.

    Args:
        points: For each the natural logarithm of how much likelier the image is if the report is
            wrong there than if it is not, and the log-odds that it is, before looking. The points
            are taken to be independent.

    Returns:
        Natural logarithm of how many times the image raises the odds that the report is wrong
        anywhere; that of the only point where there is one, 0 where there is none.
    """
    if not points:
        return 0.0
    doubts, before = np.array(points, dtype=np.float64).T
    return _odds(doubts + before) - _odds(before)


def _odds(log_odds: np.ndarray) -> float:
    """Log-odds that any of independent events happens."""
    # Minus the logarithm of the chance that none does.
    none = float(np.logaddexp(0, log_odds).sum())
    return none + math.log(-math.expm1(-none)) if none > 0 else -math.inf
