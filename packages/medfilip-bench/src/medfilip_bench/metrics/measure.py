"""One measured number, or the reason why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class Measure:
    """A metric's value, or null with its reason: never NaN, never dropped.

    Attributes:
        value: The finite value, None when the metric is undefined here.
        reason: Why it is undefined, None when it is not.
    """

    value: float | None
    reason: str | None = None

    def __post_init__(self) -> None:
        """Hold the contract: a finite value or a reason, and not both.

        Raises:
            ValueError: If both or neither is given, or the value is not finite.
        """
        if (self.value is None) == (self.reason is None):
            raise ValueError(f"a measure has a value or a reason, got {self!r}")
        if self.value is not None and not isfinite(self.value):
            raise ValueError(f"a measure's value is finite or None, got {self.value!r}")

    @classmethod
    def undefined(cls, reason: str) -> "Measure":
        """Return a measure that has no value, and say why."""
        return cls(None, reason)


def macro(measures: Sequence[Measure]) -> Measure:
    """Return the unweighted mean over the classes where the metric is defined.

    Args:
        measures: One measure per class.
    """
    values = [m.value for m in measures if m.value is not None]
    if not values:
        return Measure.undefined("undefined for every class")
    return Measure(sum(values) / len(values))
