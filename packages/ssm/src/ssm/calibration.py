"""Calibration: spreading similarities that all lie near 1 over the range that targets have.

Mean-pooled vectors of language models lie in a narrow cone, so that unrelated texts may have a
cosine of 0.8. Either the cosines are stretched (``minmax``, ``quantile``), or the vectors are moved
before the cosine is taken (``center``, ``whiten``). Fitted once, on the unique texts of a bank.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from ssm.errors import SsmError
from ssm.similarity import inner, normalise

CalibrationMethod = Literal["none", "minmax", "center", "whiten", "quantile"]

_METHODS: tuple[str, ...] = get_args(CalibrationMethod)
_TENSORS = {"center": {"mean": 1}, "whiten": {"mean": 1, "transform": 2}}
_BLOCK_ELEMENTS = 2**22
_SAMPLE = 4096
_ALIKE = 1 - 1e-6


@dataclass(frozen=True, eq=False)
class Calibration:
    """What is done to unit vectors before the cosine, and to the cosine after it.

    The default is the identity, as in the paper.

    Attributes:
        method: How it was fitted; a name to record, nothing is computed from it.
        low: The similarity that becomes 0.
        high: The similarity that becomes 1.
        mean: Subtracted from the unit vectors (``center``, ``whiten``).
        transform: What the centred vectors are multiplied with, from the right (``whiten``).
    """

    method: CalibrationMethod = "none"
    low: float = 0.0
    high: float = 1.0
    mean: Float[Tensor, " D"] | None = None
    transform: Float[Tensor, "D E"] | None = None

    def __post_init__(self) -> None:
        _check_method(self.method)
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise SsmError(f"calibration needs low < high, got {self.low!r} and {self.high!r}")
        if self.transform is not None and (
            self.mean is None or self.transform.shape[0] != len(self.mean)
        ):
            mean = None if self.mean is None else list(self.mean.shape)
            raise SsmError(
                f"a transform [D, E] goes with a mean [D], got {list(self.transform.shape)} and "
                f"{mean}"
            )

    def rows(self, unit: Float[Tensor, "M D"]) -> Float[Tensor, "M E"]:
        """Center and whiten unit rows; the results have length 1 again.

        A zero row stays zero. A row that equals the mean (to 4 units of rounding of its type), or
        differs from it only where the transform looks at nothing, has no direction left: it becomes
        a zero row, which is similar to nothing, itself included. The whole column S[:, j] of such a
        text j is 0, S[owner[j], j] too. The rows themselves come back where there is no mean.

        Raises:
            SsmError: The rows have another dimension or device than the mean.
        """
        if self.mean is None:
            return unit
        if unit.shape[1] != len(self.mean) or unit.device != self.mean.device:
            raise SsmError(
                f"the calibration was fitted on {len(self.mean)} dimensions and is on "
                f"{str(self.mean.device)!r}, the embeddings have {unit.shape[1]} and are on "
                f"{str(unit.device)!r}: fit it on this bank, or move it with .to(device)"
            )
        exact = unit.to(torch.promote_types(unit.dtype, torch.float32))
        moved, rounding = exact - self.mean, 4 * torch.finfo(unit.dtype).eps
        if self.transform is not None:
            moved = inner(moved, self.transform.T.to(moved.dtype))
            rounding = rounding * torch.linalg.vector_norm(self.transform, dim=0).amax()
        kept = (torch.linalg.vector_norm(moved, dim=1) > rounding) & exact.any(dim=1)
        return normalise(torch.where(kept[:, None], moved, 0)).to(unit.dtype)

    def apply(self, similarity: Float[Tensor, "A B"]) -> Float[Tensor, "A B"]:
        """Map similarities: ``low`` → 0, ``high`` → 1; not clamped, so that it can be undone."""
        if self.low == 0 and self.high == 1:
            return similarity
        return (similarity - self.low) / (self.high - self.low)

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> "Calibration":
        """The same calibration with its tensors on another device, or in another type."""
        if self.mean is None:
            return self
        transform = None if self.transform is None else self.transform.to(device, dtype)
        return replace(self, mean=self.mean.to(device, dtype), transform=transform)

    def tensors(self) -> dict[str, Tensor]:
        """The tensors to save, by name; none for the methods that move no vector."""
        named = {"mean": self.mean, "transform": self.transform}
        return {name: tensor for name, tensor in named.items() if tensor is not None}

    def settings(self) -> dict[str, str | float]:
        """What to save beside the tensors; fit for JSON."""
        return {"method": self.method, "low": self.low, "high": self.high}

    @classmethod
    def restore(
        cls, settings: Mapping[str, object], tensors: Mapping[str, Tensor]
    ) -> "Calibration":
        """The calibration whose ``settings()`` and ``tensors()`` these are.

        Raises:
            SsmError: They do not fit together, or hold what no calibration has.
        """
        if set(settings) != {"method", "low", "high"}:
            raise SsmError(f"a calibration has method, low and high, got {sorted(settings)!r}")
        method, low, high = settings["method"], settings["low"], settings["high"]
        _check_method(method)
        if not (isinstance(low, int | float) and isinstance(high, int | float)):
            raise SsmError(f"a calibration's low and high are numbers, got {low!r} and {high!r}")
        axes = _TENSORS.get(str(method), {})
        if set(tensors) != set(axes):
            raise SsmError(
                f"calibration {method!r} has the tensors {sorted(axes)!r}, got {sorted(tensors)!r}"
            )
        for name, tensor in tensors.items():
            if tensor.ndim != axes[name] or not torch.isfinite(tensor).all():
                raise SsmError(f"the calibration's {name} must be finite, with {axes[name]} axes")
        return cls(cast("CalibrationMethod", method), float(low), float(high), **tensors)


def fit_calibration(
    embeddings: Float[Tensor, "U D"],
    method: CalibrationMethod,
    *,
    share: float = 0.8,
    variance: float = 0.95,
) -> Calibration:
    """Fit a calibration once on the unique texts of a bank.

    - ``"none"`` leaves the cosines alone (the paper).
    - ``"minmax"`` takes the lowest cosine between two texts to 0.
    - ``"quantile"`` takes the `share` of pairs that are least similar to 0 or below, so that after
      clamping only neighbours are similar at all (of more than 4096 texts an even sample is used).
    - ``"center"`` subtracts the mean of the unit vectors: the direction all texts have in common,
      which says nothing about any of them (Mu and Viswanath, All-but-the-Top, 2018, whose further
      step, the removal of the first components, is left out).
    - ``"whiten"`` also turns the vectors to their principal components and scales each to variance
      1, so that every direction counts alike (Su et al., Whitening Sentence Representations, 2021).
      Of the components, strongest first, those are kept that together hold the share `variance` of
      the variance, as that paper recommends. The others have no variance to divide by (fewer texts
      than dimensions), or are mostly noise, which blown up makes all texts unlike each other. (A
      covariance shrunk to the identity, also tried, left related texts at 0.03 to 0.1.)

    1 (a text with itself) stays 1 in each of them, but for a text whose vector is zero or, with
    ``"center"`` and ``"whiten"``, the mean: see ``Calibration.rows``.

    Args:
        embeddings: One row per unique text, of any length; zero rows are not looked at.
        method: Which of the five.
        share: For ``"quantile"``: between 0 and 1, both excluded.
        variance: For ``"whiten"``: between 0 and 1, both excluded.

    Returns:
        The calibration, its tensors in float32 on the device of ``embeddings``; means and
        covariances are summed in float64.

    Raises:
        SsmError: The method or a share is not allowed, an embedding is not finite, or there are
            fewer than two distinct texts to fit on.
    """
    if method == "none":
        return Calibration()
    _check_method(method)
    _check_shares(share, variance)
    unit = _distinct(embeddings, method)
    if method == "minmax":
        return Calibration(method, low=_lowest(unit))
    if method == "quantile":
        return Calibration(method, low=_quantile(unit, share))
    mean, covariance = _moments(unit)
    transform = _whitener(covariance, variance) if method == "whiten" else None
    return Calibration(method, mean=mean.float(), transform=transform)


def _check_method(method: object) -> None:
    if method not in _METHODS:
        allowed = ", ".join(map(repr, _METHODS))
        raise SsmError(f"unknown calibration {method!r}: use one of {allowed}")


def _check_shares(share: float, variance: float) -> None:
    for name, value in (("share", share), ("variance", variance)):
        if not 0 < value < 1:
            raise SsmError(f"{name} must lie between 0 and 1, got {value!r}")


def _distinct(embeddings: Tensor, method: str) -> Tensor:
    """The rows at length 1, without zero rows; refused if there is nothing to fit on."""
    unit = normalise(embeddings.to(torch.promote_types(embeddings.dtype, torch.float32)))
    if not torch.isfinite(unit).all():
        raise SsmError("embeddings hold NaN or infinity: check the encoder that made them")
    unit = unit[unit.any(dim=1)]
    if len(unit) < 2 or bool((inner(unit, unit[:1]) > _ALIKE).all()):
        count = len(embeddings)
        raise SsmError(f"{method} calibration needs two texts that differ, got {count} alike")
    return unit


def _blocks(unit: Tensor, width: int) -> tuple[Tensor, ...]:
    """The rows in blocks, so that what is made of one, `width` numbers a row, stays bounded."""
    return unit.split(max(1, _BLOCK_ELEMENTS // max(width, 1)))


def _lowest(unit: Tensor) -> float:
    """The lowest cosine of two rows."""
    return float(torch.stack([inner(rows, unit).min() for rows in _blocks(unit, len(unit))]).min())


def _quantile(unit: Tensor, share: float) -> float:
    """The cosine that `share` of the pairs of two different rows lie below."""
    sample = unit[:: -(-len(unit) // _SAMPLE)]
    first, second = torch.triu_indices(len(sample), len(sample), offset=1, device=unit.device)
    pairs = inner(sample, sample)[first, second]
    low = float(pairs.kthvalue(1 + int(share * (len(pairs) - 1))).values)
    if low > _ALIKE:
        raise SsmError(f"share {share!r} of the pairs ends among texts that are alike: lower it")
    return low


def _moments(unit: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [D] and covariance [D, D] in float64."""
    mean = unit.mean(dim=0, dtype=torch.float64)
    covariance = mean.new_zeros(len(mean), len(mean))
    for rows in _blocks(unit, len(mean)):
        centred = rows.double() - mean
        covariance += inner(centred.T, centred.T)
    return mean, covariance / len(unit)


def _whitener(covariance: Tensor, variance: float) -> Tensor:
    """Principal components [D, E] scaled to variance 1, the strongest one first."""
    values, vectors = (part.flip(-1) for part in torch.linalg.eigh(covariance))
    held = values.cumsum(0) / values.sum()
    kept = 1 + int((held < variance).sum())
    # Contiguous, as it will be when read back: a product must not depend on where it came from.
    return (vectors[:, :kept] * values[:kept].rsqrt()).float().contiguous()
