"""What an export came to, and the comparison without which none is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor

from medfilip_model.errors import MedfilipError

Kind = Literal["hub-folder", "onnx", "torchscript", "timm"]
# Largest difference to torch in float32. Embeddings are unit vectors: at 128 channels this is a
# thousandth of a typical component, and moves a cosine by less than it.
TOLERANCE = 1e-4


class ExportError(MedfilipError):
    """A model that cannot be exported as asked, or whose export does not compute the same."""


@dataclass(frozen=True)
class Check:
    """One part of an export against the model that it is of.

    Attributes:
        part: What was compared.
        difference: Largest absolute difference over the probes.
        scale: Largest absolute value there.
    """

    part: str
    difference: float
    scale: float


@dataclass(frozen=True)
class Exported:
    """A finished export.

    Attributes:
        kind: What it is for.
        folder: Where it is.
        files: Names of its files.
        checks: How far each part is from torch; all are within `TOLERANCE` of their scale.
    """

    kind: Kind
    folder: Path
    files: tuple[str, ...]
    checks: tuple[Check, ...]


def compare(part: str, expected: Sequence[Tensor], found: Sequence[Tensor]) -> Check:
    """Compare what an export computes with what the model does.

    Args:
        part: What is compared, for the message.
        expected: The model's answers, one a probe.
        found: The export's.

    Returns:
        The largest difference.

    Raises:
        ExportError: If it is above `TOLERANCE` times the largest value (at least 1), no number, or
            of another shape.
    """
    for a, b in zip(expected, found, strict=True):
        if a.shape != b.shape:
            raise ExportError(f"{part}: {list(b.shape)} came out in place of {list(a.shape)}")
    pairs = [(a.float(), b.float()) for a, b in zip(expected, found, strict=True)]
    difference = max(float((a - b).abs().max()) for a, b in pairs)
    scale = max(float(a.abs().max()) for a, _ in pairs)
    # Written so that NaN fails.
    if not difference <= TOLERANCE * max(1.0, scale):
        raise ExportError(
            f"{part} differs from torch by {difference:.2g}, more than the {TOLERANCE:.0e} that is "
            "allowed; nothing was written"
        )
    return Check(part, difference, scale)
