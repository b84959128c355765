"""Cosine similarity of embeddings and its calibration. Pure functions."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ssm.errors import SsmError

CalibrationMethod = Literal["none", "minmax"]

_BLOCK_ELEMENTS = 2**24


def normalise(embeddings: Float[Tensor, "*rows D"]) -> Float[Tensor, "*rows D"]:
    """Scale each vector to length 1; a zero vector stays zero."""
    return functional.normalize(embeddings, dim=-1)


def cosine(a: Float[Tensor, "A D"], b: Float[Tensor, "B D"]) -> Float[Tensor, "A B"]:
    """Cosine similarity of every row of ``a`` with every row of ``b``, in [−1, 1] up to rounding.

    With ``a is b`` this is K = E Eᵀ of eq. 4. A zero vector is similar to nothing (0), itself
    included.
    """
    return normalise(a) @ normalise(b).T


@dataclass(frozen=True)
class Calibration:
    """An affine map of cosines that takes ``low`` to 0 and ``high`` to 1.

    The default is the identity, as in the paper. Embeddings of mean-pooled language models lie in
    a narrow cone, so that unrelated texts may have a cosine of 0.8: mapping the lowest cosine of
    the bank to 0 uses the whole range.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise SsmError(f"calibration needs low < high, got {self.low!r} and {self.high!r}")

    def apply(self, similarity: Float[Tensor, "A B"]) -> Float[Tensor, "A B"]:
        """Map similarities; not clamped, so that the map can be undone."""
        if self == Calibration():
            return similarity
        return (similarity - self.low) / (self.high - self.low)


def fit_calibration(embeddings: Float[Tensor, "U D"], method: CalibrationMethod) -> Calibration:
    """Fit a calibration once on the unique texts of a bank.

    Args:
        embeddings: One row per unique text, of any length.
        method: ``"none"`` leaves the cosines alone (the paper); ``"minmax"`` takes the lowest
            cosine between two texts to 0, and 1 (a text with itself) stays 1.

    Raises:
        SsmError: The method is unknown, or ``"minmax"`` is asked of fewer than two distinct texts.
    """
    if method == "none":
        return Calibration()
    if method != "minmax":
        raise SsmError(f"unknown calibration {method!r}: use 'none' or 'minmax'")
    count = len(embeddings)
    unit = normalise(embeddings)
    rows = max(1, _BLOCK_ELEMENTS // max(count, 1))
    lows = [(unit[start : start + rows] @ unit.T).min() for start in range(0, count, rows)]
    low = float(torch.stack(lows).min()) if lows else 1.0
    if low > 1 - 1e-6:
        raise SsmError(f"minmax calibration needs two texts that differ, got {count} alike")
    return Calibration(low=low)
