"""A picture of heatmaps: the image, and beside it each class's map in colour over it; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

# From weak to strong; readable in grey and by colour-blind eyes (anchors of matplotlib's inferno).
_RAMP = np.array(
    [(66, 10, 104), (120, 28, 109), (187, 55, 84), (237, 105, 37), (251, 180, 26), (252, 255, 164)],
    dtype=np.float64,
)
# How much of the colour covers the image at its strongest; it begins with nothing, without an edge.
_STRONGEST = 0.65
_TILE, _GAP, _TEXT = 288, 10, 13
_LINE = _TEXT + 5
_BAR, _TICKS = 14, 52
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_WHITE, _BLACK, _GREY = (255, 255, 255), (0, 0, 0), (110, 110, 110)


@dataclass(frozen=True)
class Panel:
    """One map of an image.

    Attributes:
        title: Lines above it: the class, its probability.
        values: Any finite numbers, of any square shape.
    """

    title: tuple[str, ...]
    values: Float[np.ndarray, "S S"]


def coloured(
    image: UInt8[np.ndarray, "H W"],
    values: Float[np.ndarray, "H W"],
    *,
    floor: float,
    top: float,
) -> UInt8[np.ndarray, "H W 3"]:
    """Lay a map over a grey image in colour.

    Args:
        image: Grey values.
        values: The map; what is not above `floor` leaves the image as it is.
        floor: Where the colours begin.
        top: Where they end; values above it have the last colour.

    Returns:
        The picture.
    """
    grey = np.repeat(image[:, :, None].astype(np.float64), 3, axis=2)
    share = _share(values, floor, top)
    cover = _STRONGEST * share[:, :, None]
    mixed = grey * (1 - cover) + _colours(share) * cover
    return mixed.round().astype(np.uint8)


def picture(
    image: UInt8[np.ndarray, "H W"] | None,
    panels: Sequence[Panel],
    *,
    heading: str,
    unit: str,
    floor: float,
    title: tuple[str, ...] = (),
) -> Image.Image:
    """Draw an image and its maps side by side, with one colour bar for all of them.

    All maps share the scale, from `floor` to the highest value of any: a class that the image
    shows nowhere stays without colour instead of being stretched to the full scale.

    Args:
        image: Grey values, square; None: the maps alone, over black.
        panels: The maps.
        heading: A line above all, such as the file's name.
        unit: A line below all: what the colours mean.
        floor: Where the colours begin.
        title: Lines above the plain image.

    Returns:
        A picture as wide as its panels need.
    """
    top = max((float(panel.values.max()) for panel in panels), default=floor)
    top = top if top > floor else floor + 1.0
    plain = np.zeros((_TILE, _TILE), np.uint8) if image is None else _fitted(image)
    tiles = [] if image is None else [(title, np.repeat(plain[:, :, None], 3, axis=2))]
    for panel in panels:
        values = _scaled(panel.values)
        drawn = coloured(plain, values, floor=floor, top=top)
        if image is None:  # nothing below it to see: the very colours of the bar
            drawn = _colours(_share(values, floor, top)).round().astype(np.uint8)
            drawn[values <= floor] = 0
        tiles.append((panel.title, drawn))
    font = ImageFont.load_default(_TEXT)
    width = _GAP + len(tiles) * (_TILE + _GAP) + _BAR + _TICKS
    head, foot = (_wrapped(text, width - 2 * _GAP, font) for text in (heading, unit))
    depth = max(len(lines) for lines, _ in tiles) if tiles else 0
    above = _GAP + _LINE * (len(head) + depth)
    below = above + _TILE + _GAP
    sheet = Image.new("RGB", (width, below + _LINE * len(foot) + _GAP), _WHITE)
    _write(sheet, (_GAP, _GAP // 2), head, _BLACK, font)
    for number, (lines, pixels) in enumerate(tiles):
        left, first = _GAP + number * (_TILE + _GAP), _GAP // 2 + _LINE * len(head)
        fitting = [_cut(line, _TILE, font) for line in lines]
        _write(sheet, (left, first), fitting[:1], _BLACK, font)
        _write(sheet, (left, first + _LINE), fitting[1:], _GREY, font)
        sheet.paste(Image.fromarray(pixels), (left, above))
    _bar(sheet, (_GAP + len(tiles) * (_TILE + _GAP), above), floor=floor, top=top, font=font)
    _write(sheet, (_GAP, below), foot, _GREY, font)
    return sheet


def _write(
    sheet: Image.Image,
    at: tuple[int, int],
    lines: Sequence[str],
    colour: tuple[int, int, int],
    font: _Font,
) -> None:
    pen = ImageDraw.Draw(sheet)
    for row, line in enumerate(lines):
        pen.text((at[0], at[1] + row * _LINE), line, fill=colour, font=font)


def _bar(
    sheet: Image.Image,
    at: tuple[int, int],
    *,
    floor: float,
    top: float,
    font: _Font,
) -> None:
    """A colour bar, strongest on top, with its ends and its middle in numbers."""
    share = np.linspace(1, 0, _TILE)[:, None].repeat(_BAR, axis=1)
    sheet.paste(Image.fromarray(_colours(share).round().astype(np.uint8)), at)
    pen = ImageDraw.Draw(sheet)
    for part in (0.0, 0.5, 1.0):
        height = at[1] + round((1 - part) * (_TILE - _TEXT - 2))
        value = floor + part * (top - floor)
        pen.text((at[0] + _BAR + 5, height), f"{value:.2f}", fill=_BLACK, font=font)


def _share(values: Float[np.ndarray, "H W"], floor: float, top: float) -> np.ndarray:
    return ((values - floor) / (top - floor)).clip(0, 1)


def _colours(share: np.ndarray) -> np.ndarray:
    anchors = np.linspace(0, 1, len(_RAMP))
    return np.stack([np.interp(share, anchors, channel) for channel in _RAMP.T], axis=-1)


def _fitted(image: UInt8[np.ndarray, "H W"]) -> UInt8[np.ndarray, "T T"]:
    if image.shape == (_TILE, _TILE):
        return image
    return np.asarray(Image.fromarray(image).resize((_TILE, _TILE), Image.Resampling.BICUBIC))


def _scaled(values: Float[np.ndarray, "S S"]) -> Float[np.ndarray, "T T"]:
    wide = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(wide.resize((_TILE, _TILE), Image.Resampling.BILINEAR))


def _wrapped(text: str, width: int, font: _Font) -> list[str]:
    """The text in lines, broken at spaces."""
    lines: list[str] = []
    for word in (_cut(word, width, font) for word in text.split()):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _cut(text: str, width: int, font: _Font) -> str:
    """The text, with its middle left out where it is too wide: a path keeps its name."""
    if font.getlength(text) <= width:
        return text
    kept = len(text)
    while (
        kept > 2 and font.getlength(f"{text[: kept // 3]}...{text[-(kept - kept // 3) :]}") > width
    ):
        kept -= 1
    return f"{text[: kept // 3]}...{text[-(kept - kept // 3) :]}"
