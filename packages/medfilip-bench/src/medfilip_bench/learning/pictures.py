"""Small pictures of what was found: the answer in colour, the truth as an outline."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8
from medfilip_model.overlay import coloured
from PIL import Image

from medfilip_bench.series import GalleryImage

# A blue that is in no heatmap, for people who see red and green alike too.
_TRUTH = (86, 180, 233)
_SIDE = 128


def picture(
    image: UInt8[np.ndarray, "H W"],
    truth: Bool[np.ndarray, "H W"],
    values: Float[np.ndarray, "H W"],
    caption: str,
    *,
    floor: float,
    right: bool | None = None,
) -> GalleryImage:
    """Lay an answer over an image in colour, and outline the truth.

    Args:
        image: Grey values.
        truth: Where the finding is; nowhere for none.
        values: The answer; only what is above `floor` is coloured, up to its own highest value.
        caption: What is written below.
        floor: Where the colours begin.
        right: Whether the answer is right, which frames the picture.
    """
    top = max(float(values.max()), floor + 1e-6)
    mixed = coloured(image, values, floor=floor, top=top)
    mixed[_outline(truth)] = _TRUTH
    drawn = Image.fromarray(mixed)
    if drawn.width > _SIDE:
        drawn = drawn.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    stream = io.BytesIO()
    drawn.save(stream, "JPEG", quality=80)
    return GalleryImage(
        png=base64.b64encode(stream.getvalue()).decode("ascii"), caption=caption, right=right
    )


def evenly(rows: Sequence[int], count: int) -> list[int]:
    """Return at most so many rows, evenly over the list."""
    if len(rows) <= count:
        return list(rows)
    return [rows[int(place)] for place in np.linspace(0, len(rows) - 1, count).round()]


def _outline(mask: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """The pixels of a mask that touch its outside."""
    wide = np.pad(mask, 1)
    inner = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return mask & ~inner
