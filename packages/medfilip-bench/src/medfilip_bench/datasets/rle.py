"""The run lengths of SIIM-ACR: relative starts, down the columns of the film."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from medfilip_bench.datasets.geometry import Mask, mask_on_square
from medfilip_bench.datasets.labelled import INSIDE
from medfilip_bench.errors import DataError

NONE = "-1"


def decode_runs(text: str, side: int) -> UInt8[np.ndarray, "S S"]:
    """Decode one mask.

    The text holds pairs of start and length. A start counts from the end of the run before, not
    from the first pixel, and pixels are counted down each column, so that the filled array has to
    be transposed.

    Args:
        text: The cell ``EncodedPixels``; ``-1`` for no mask.
        side: Height and width of the film in pixels.

    Returns:
        0 and 255.

    Raises:
        DataError: The cell is no list of pairs, or runs out of the film.
    """
    flat = np.zeros(side * side, dtype=np.uint8)
    words = [] if text.strip() == NONE else text.split()
    try:
        numbers = [int(word) for word in words]
    except ValueError as error:
        raise DataError(f"run lengths are no whole numbers: {error}") from error
    if len(numbers) % 2 or min(numbers, default=0) < 0:
        raise DataError(f"run lengths are no pairs of start and length: {text[:40]!r}")
    at = 0
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        at += start
        if at + length > flat.size:
            raise DataError(f"a run ends at pixel {at + length:,} of {flat.size:,}")
        flat[at : at + length] = INSIDE
        at += length
    return flat.reshape(side, side).T


@dataclass(frozen=True)
class RunMask:
    """The union of an image's runs.

    Attributes:
        rows: The cells of its rows.
        side: Height and width of the film in pixels.
    """

    rows: tuple[str, ...]
    side: int

    def key(self) -> str:
        """Hash of the cells."""
        return hashlib.sha256("\n".join(self.rows).encode()).hexdigest()

    def read(self, size: int) -> Mask:
        """Decode the rows, unite them and bring them to `size`."""
        united = np.maximum.reduce([decode_runs(row, self.side) for row in self.rows])
        return mask_on_square(united, size)
