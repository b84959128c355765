"""Cosine similarity of embeddings and its calibration. Pure functions."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ssm.errors import SsmError

CalibrationMethod = Literal["none", "minmax", "quantile"]

_BLOCK_ELEMENTS = 2**24
_SAMPLE = 4096


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


def fit_calibration(
    embeddings: Float[Tensor, "U D"], method: CalibrationMethod, *, share: float = 0.8
) -> Calibration:
    """Fit a calibration once on the unique texts of a bank.

    Args:
        embeddings: One row per unique text, of any length.
        method: ``"none"`` leaves the cosines alone (the paper); ``"minmax"`` takes the lowest
            cosine between two texts to 0; ``"quantile"`` takes the `share` of pairs that are least
            similar to 0 or below, so that after clamping only neighbours are similar at all. 1 (a
            text with itself) stays 1. Of more than 4096 texts an even sample is looked at.
        share: For ``"quantile"``: between 0 and 1, both excluded.

    Raises:
        SsmError: The method or the share is not allowed, or there are fewer than two distinct
            texts to fit on.
    """
    if method == "none":
        return Calibration()
    if method not in get_args(CalibrationMethod):
        allowed = ", ".join(map(repr, get_args(CalibrationMethod)))
        raise SsmError(f"unknown calibration {method!r}: use one of {allowed}")
    if not 0 < share < 1:
        raise SsmError(f"share must lie between 0 and 1, got {share!r}")
    low = _lowest(embeddings) if method == "minmax" else _quantile(embeddings, share)
    if low > 1 - 1e-6:
        raise SsmError(
            f"{method} calibration needs two texts that differ, got {len(embeddings)} alike"
        )
    return Calibration(low=low)


def _lowest(embeddings: Float[Tensor, "U D"]) -> float:
    """The lowest cosine of two rows, in blocks so that [U, U] is never held."""
    unit = normalise(embeddings)
    rows = max(1, _BLOCK_ELEMENTS // max(len(unit), 1))
    lows = [(unit[start : start + rows] @ unit.T).min() for start in range(0, len(unit), rows)]
    return float(torch.stack(lows).min()) if lows else 1.0


def _quantile(embeddings: Float[Tensor, "U D"], share: float) -> float:
    """The cosine that `share` of the pairs of two different rows lie below."""
    step = -(-len(embeddings) // _SAMPLE)
    unit = normalise(embeddings[:: max(step, 1)])
    first, second = torch.triu_indices(len(unit), len(unit), offset=1)
    pairs = (unit @ unit.T)[first, second]
    if not len(pairs):
        return 1.0
    return float(pairs.kthvalue(1 + int(share * (len(pairs) - 1))).values)
