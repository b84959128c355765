"""Contact sheets: phantoms side by side with what they show written below."""

from collections.abc import Sequence

import numpy as np
from iki_knowledge import Finding
from PIL import Image, ImageDraw, ImageFont

from medfilip_model.phantom.cache import to_bytes
from medfilip_model.phantom.config import PhantomConfig
from medfilip_model.phantom.generate import Phantom, generate, plan_phantom
from medfilip_model.phantom.kinds import SEVERITIES
from medfilip_model.phantom.phrases import NOUNS, SPOKEN_REGIONS

_LINE = 13
_FONT_SIZE = 11
_GAP = 4


def caption(finding: Finding) -> str:
    """Severity, side, region and category in words."""
    region = None if finding.region in SPOKEN_REGIONS else finding.region
    parts = (finding.severity, finding.side, region, NOUNS[finding.category][0])
    return " ".join(part.replace("_", " ") for part in parts if part is not None)


def _wrapped(
    text: str, width: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont
) -> list[str]:
    """The text in lines no wider than a tile, broken at spaces."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def contact_sheet(phantoms: Sequence[Phantom], *, columns: int = 4, tile: int = 224) -> Image.Image:
    """A grid of images, each with its findings below, "no finding" for a normal one.

    Args:
        phantoms: In reading order; at least one.
        columns: Tiles a row.
        tile: Width of a tile in pixels.

    Returns:
        A greyscale image.
    """
    font = ImageFont.load_default(_FONT_SIZE)
    lines = [
        [
            line
            for text in [caption(finding) for finding in phantom.findings] or ["no finding"]
            for line in _wrapped(text, tile, font)
        ]
        for phantom in phantoms
    ]
    columns = min(columns, len(phantoms))
    rows = -(-len(phantoms) // columns)
    deepest = [
        max(len(text) for text in lines[row * columns : (row + 1) * columns]) for row in range(rows)
    ]
    heights = [tile + _LINE * count + 2 * _GAP for count in deepest]
    sheet = Image.new("L", (columns * (tile + _GAP) + _GAP, sum(heights) + _GAP), 255)
    pen = ImageDraw.Draw(sheet)
    for number, (phantom, text) in enumerate(zip(phantoms, lines, strict=True)):
        row, column = divmod(number, columns)
        x, y = _GAP + column * (tile + _GAP), _GAP + sum(heights[:row])
        image = Image.fromarray(to_bytes(np.asarray(phantom.image)))
        sheet.paste(image.resize((tile, tile), Image.Resampling.LANCZOS), (x, y))
        for depth, line in enumerate(text):
            pen.text((x, y + tile + 1 + depth * _LINE), line, fill=0, font=font)
    return sheet


def one_of_each(config: PhantomConfig, *, limit: int = 20_000) -> list[Phantom]:
    """Phantoms that show one class alone: one for each class and severity, weakest first.

    Args:
        config: The recipe; its own classes are shown, unseen ones only if named there.
        limit: Indices to search.

    Returns:
        Phantoms class by class; a combination that does not come up is left out.
    """
    wanted = [(name, severity) for name in config.classes for severity in SEVERITIES[name]]
    found: dict[tuple[str, str | None], int] = {}
    for index in range(limit):
        findings = plan_phantom(config, index).findings
        if len(findings) == 1:
            key = (findings[0].category, findings[0].severity)
            found.setdefault(key, index)
        if all(key in found for key in wanted):
            break
    return [generate(config, found[key]) for key in wanted if key in found]
