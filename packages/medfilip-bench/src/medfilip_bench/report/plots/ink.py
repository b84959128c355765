"""Figures as SVG text that takes its ink from the page, so that light and dark both read.

Words stay words (no glyph outlines), ids are stable and unlike those of other figures, and two
placeholder colours become ``currentColor`` and ``var(--line)``.
"""

import hashlib
import io
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from html import escape

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

INK = "#010203"
LINE = "#010204"
# Mid-tones that stand out on white and on near-black alike.
COLOURS = (
    "#3f83c8", "#d9772b", "#2f9e7e", "#c2528b", "#8a6fd1", "#a08a1f", "#cf4d4d",
    "#4aa3b5", "#6d9a3a", "#a7765c", "#7d86a8", "#b268c9", "#5e8f8b", "#c99a3c",
    "#8d5065", "#dd92b8", "#8b8f96", "#55733f",
)  # fmt: skip
DASHES = ("-", (0, (5.0, 1.5)), (0, (1.5, 1.2)), (0, (6.0, 1.5, 1.5, 1.5)))
_STYLE: dict[RcKeyType, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "medfilip-bench",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
# What an SVG file needs and an inline SVG does not: comments, metadata and namespaces (which name
# vocabularies by URL), a style for every element of the page, fonts, ids that would repeat, and
# clip paths, since nothing is drawn outside its axes.
_CLUTTER = (
    r"<!--.*?-->|<metadata>.*?</metadata>|<\?.*?\?>|<style.*?</style>",
    r"<clipPath.*?</clipPath>",
    r"<defs>\s*</defs>",
    r'\sclip-path="[^"]*"',
    r'\sxmlns(:\w+)?="[^"]*"',
    r"\s?font-family:[^;]*;",
    # What is not seen, and what the element around the figure says for all of it.
    r'<path [^>]*style="fill: none; opacity: 0"/>',
    r'\stransform="rotate\(-?0 [^"]*"',
    r"(?<=[\s\"])font-size: 9px;\s?",
    r";?\s?fill: currentColor(?=\")",
    r"\s?(?:stroke-linejoin|stroke-linecap): \w+;?",
    r'\sid="(?:figure|axes|patch|line2d|text|matplotlib|xtick|ytick|legend|QuadMesh|Path|Fill|Line)'
    r'[^"]*"',
)
_TAG = re.compile(r"<[^>]+>")
_PLAIN_GROUP = re.compile(r"<g>((?:(?!</?g\b).)*)</g>", re.DOTALL)
_LONG = re.compile(r"-?\d+\.\d{3,}")
_RUN = re.compile(r'(?:\s*<use [^>]*? style="([^"]*)"/>)(?:\s*<use [^>]*? style="\1"/>)+')


@contextmanager
def drawing(width: float, height: float) -> Generator[tuple[Figure, Axes]]:
    """Give a figure with one axes, outside pyplot's global state, in the page's style.

    Args:
        width: In inches.
        height: In inches.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        yield figure, axes


def colour(number: int) -> str:
    """Return the colour of a group; the list repeats."""
    return COLOURS[number % len(COLOURS)]


def rgb(name: str) -> tuple[float, float, float]:
    """Return a colour as three fractions."""
    red, green, blue = (int(name[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def legend(figure: Figure, entries: Sequence[str], *, columns: int = 2) -> None:
    """Set a legend under the axes and make room for it.

    Args:
        figure: Where to.
        entries: Its texts; the longest decides whether columns fit.
        columns: Columns that are wanted.
    """
    if not entries:
        return
    fit = int(figure.get_figwidth() / (0.062 * max(map(len, entries)) + 0.4))
    kept = max(1, min(columns, fit, len(entries)))
    room = 0.19 * -(-len(entries) // kept) + 0.1
    figure.set_figheight(figure.get_figheight() + room)
    figure.legend(
        loc="outside lower center",
        ncols=kept,
        fontsize=8,
        handlelength=1.5,
        columnspacing=1.2,
        labelspacing=0.3,
    )


def svg(figure: Figure, label: str) -> str:
    """Return the figure as an inline SVG element with the page's ink.

    Args:
        figure: What was drawn.
        label: What it shows, for those who cannot see it.
    """
    stream = io.StringIO()
    # Not by `savefig`, which draws everything a second time for a layout that drawing makes anyway.
    FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor").replace(LINE, "var(--line)")
    for pattern in _CLUTTER:
        text = re.sub(pattern, "", text, flags=re.DOTALL)
    size = r'width="([\d.]+)pt" height="[\d.]+pt"'
    look = r'style="max-width: \1pt; font-size: 9px; fill: currentColor"'
    natural = f'{look} role="img" aria-label="{escape(label)}"'
    text = re.sub(size, natural, text, count=1)
    text = text.replace("xlink:href", "href")
    # Coordinates alone: words stand outside the tags.
    text = _TAG.sub(lambda tag: _LONG.sub(_short, tag[0]), text)
    text = _own_ids(_RUN.sub(_once, text))
    return re.sub(r"\s*\n\s*", "\n", _bare(text)).strip()


def _bare(text: str) -> str:
    """Take away groups that say nothing, and the room between the steps of a path."""
    before = ""
    while before != text:
        before = text
        text = _PLAIN_GROUP.sub(r"\1", re.sub(r"<g/>|<g [^>]*/>", "", text))
    text = re.sub(r"\s*\n(?=[MLQCZz] ?)", "", text)
    return re.sub(r'(?<=[">]) style=""', "", text)


def _short(found: re.Match[str]) -> str:
    """Write a coordinate to a tenth of a point."""
    return f"{round(float(found[0]), 1):g}"


def _once(run: re.Match[str]) -> str:
    """Say the style of equal neighbours once, around them all."""
    style = run[1]
    bare = run[0].replace(f' style="{style}"', "")
    return f'<g style="{style}">{bare}</g>'


def _own_ids(text: str) -> str:
    """Make ids that other figures of the page do not have."""
    own = hashlib.sha256(text.encode()).hexdigest()[:8]
    text = re.sub(r'\sid="([^"]*)"', rf' id="f{own}-\1"', text)
    return re.sub(r'href="#([^"]*)"', rf'href="#f{own}-\1"', text)
