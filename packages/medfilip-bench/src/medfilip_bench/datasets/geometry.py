"""Boxes and masks of whole images, carried to the centre square that models are shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from medfilip_bench.datasets.labelled import IGNORED, INSIDE, OUTSIDE, Box
from medfilip_bench.errors import DataError

Mask = UInt8[np.ndarray, "H W"]


@dataclass(frozen=True)
class PixelBox:
    """A box in pixels of the image as its annotators saw it.

    Attributes:
        category: Category of the dictionary.
        x: Left edge.
        y: Upper edge.
        width: Width.
        height: Height.
        image: Width and height of that image.
    """

    category: str
    x: float
    y: float
    width: float
    height: float
    image: tuple[float, float]

    def on_square(self) -> Box | None:
        """Carry the box to the centre square that `medfilip_model.data.decode.square` crops.

        Returns:
            The part of it that the square shows, as fractions; None where it shows nothing.
        """
        side = min(self.image)
        left, top = (self.image[0] - side) / 2, (self.image[1] - side) / 2
        x0, x1 = _clip((self.x - left) / side), _clip((self.x + self.width - left) / side)
        y0, y1 = _clip((self.y - top) / side), _clip((self.y + self.height - top) / side)
        if x1 <= x0 or y1 <= y0:
            return None
        return Box(self.category, x0, y0, x1 - x0, y1 - y0)


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def mask_on_square(mask: Mask, size: int) -> UInt8[np.ndarray, "S S"]:
    """Carry a mask to the centre square, at `size` pixels, without mixing its values.

    Args:
        mask: Of the whole image.
        size: Side in pixels.
    """
    height, width = mask.shape
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(Image.fromarray(mask).resize((size, size), Image.Resampling.NEAREST, box=box))


@runtime_checkable
class MaskSource(Protocol):
    """Where the mask of an image comes from."""

    def key(self) -> str:
        """What decides the mask."""
        ...

    def read(self, size: int) -> Mask:
        """The mask on the centre square: `OUTSIDE`, `IGNORED`, `INSIDE`.

        Raises:
            DataError: If it cannot be read.
        """
        ...


@dataclass(frozen=True)
class FileMask:
    """A mask that is an image file: dark outside, bright inside, grey not to be judged.

    Attributes:
        file: The file.
    """

    file: Path

    def key(self) -> str:
        """Name, size and time of the file."""
        try:
            stat = self.file.stat()
        except OSError:
            return f"{self.file.name} missing"
        return f"{self.file.name} {stat.st_size} {stat.st_mtime_ns}"

    def read(self, size: int) -> Mask:
        """Read the file; values between a quarter and three quarters of white are not judged."""
        try:
            with Image.open(self.file) as image:
                grey = np.asarray(image.convert("L"))
        except (OSError, ValueError, SyntaxError) as error:
            raise DataError(f"cannot read mask {self.file.name!r}: {error}") from error
        # Masks of 0 and 1 have no grey.
        white = 255 if grey.max(initial=0) > 1 else 1
        levels = np.full(256, IGNORED, dtype=np.uint8)
        levels[: white // 4 + 1] = OUTSIDE
        levels[white - white // 4 :] = INSIDE
        return mask_on_square(levels[grey], size)
