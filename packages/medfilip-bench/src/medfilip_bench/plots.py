"""Figures as SVG text that takes its ink from the page, so that light and dark both read.

Every function is pure: numbers in, SVG out. Words stay words (no glyph outlines), ids are stable,
and two placeholder colours become ``currentColor`` and ``var(--line)``.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

INK = "#010203"
LINE = "#010204"
# Mid-tones that stand out on white and on near-black alike.
COLOURS = (
    "#3f83c8", "#d9772b", "#2f9e7e", "#c2528b", "#8a6fd1", "#a08a1f", "#cf4d4d",
    "#4aa3b5", "#6d9a3a", "#a7765c", "#7d86a8", "#b268c9", "#5e8f8b", "#c99a3c",
)  # fmt: skip
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
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
# What an SVG file needs and an inline SVG does not: comments, metadata and namespaces (which name
# vocabularies by URL), a style for every element of the page, fonts, and ids that would repeat.
_CLUTTER = (
    r"<!--.*?-->|<metadata>.*?</metadata>|<\?.*?\?>|<style.*?</style>",
    r'\sxmlns(:\w+)?="[^"]*"',
    r"\s?font-family:[^;]*;",
    r'\sid="(?:figure|axes|patch|line2d|text|matplotlib|xtick|ytick|legend|QuadMesh)[^"]*"',
)


@dataclass(frozen=True)
class Bar:
    """One bar: its name, value, interval, and the colour group it belongs to."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    group: int = 0


def roc(curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Draw ROC curves, one a class, named in the legend.

    Args:
        curves: Legend text -> (false positive rate, true positive rate) points.
    """
    with mpl.rc_context(_STYLE):
        rows = (len(curves) + 1) // 2
        figure, axes = _figure(4.4, 4.2 + 0.19 * rows)
        axes.plot([0, 1], [0, 1], color=LINE, linewidth=1, linestyle=(0, (4, 3)))
        for number, (name, points) in enumerate(curves.items()):
            xy = np.array(points)
            axes.plot(xy[:, 0], xy[:, 1], color=_colour(number), linewidth=1.5, label=name)
        axes.set(xlim=(-0.01, 1.0), ylim=(0, 1.01), aspect="equal")
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        if curves:
            figure.legend(
                loc="outside lower center",
                ncols=2,
                fontsize=8,
                handlelength=1.3,
                columnspacing=1.2,
                labelspacing=0.3,
            )
        return _svg(figure, "ROC curves")


def bars(
    items: Sequence[Bar],
    label: str,
    *,
    chance: float | None = None,
    groups: Sequence[str] = (),
) -> str:
    """Draw horizontal bars with intervals, in the given order from the top.

    Args:
        items: The bars.
        label: What the axis measures.
        chance: Where a model without skill would stand.
        groups: Names of the colour groups, for the legend.
    """
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(4.4, 1.1 + 0.27 * max(len(items), 1) + 0.2 * bool(groups))
        for place, bar in enumerate(items):
            axes.barh(place, bar.value, height=0.66, color=_colour(bar.group), alpha=0.85)
            _whisker(axes, place, bar)
            end = max(bar.value, bar.high or 0)
            axes.text(end + 0.015, place, f"{bar.value:.2f}", va="center", fontsize=8)
        if chance is not None:
            axes.axvline(chance, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_yticks(range(len(items)), [bar.name for bar in items])
        axes.tick_params(axis="y", length=0)
        axes.set(xlim=(0, 1.12), xlabel=label, ylim=(len(items) - 0.4, -0.6))
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
        for number, name in enumerate(groups):
            axes.barh([0], [0], color=_colour(number), alpha=0.85, label=name)
        if groups:
            figure.legend(loc="outside upper center", ncols=len(groups), fontsize=8)
        return _svg(figure, f"bars of {label}")


def confusion(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """Draw a confusion matrix: shade is the share of the true class, figures are images.

    Args:
        matrix: Images by true class (rows) and predicted class (columns).
        names: Class names.
    """
    counts = np.array(matrix, dtype=np.float64)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shade = LinearSegmentedColormap.from_list("shade", [(*_rgb(COLOURS[0]), a) for a in (0, 1)])
    with mpl.rc_context(_STYLE):
        side = 1.6 + 0.32 * len(names)
        figure, axes = _figure(side + 0.3, side)
        # Cells as shapes, not as a bitmap: the page's own colour shows through the empty ones.
        axes.pcolormesh(share, cmap=shade, vmin=0, vmax=1, edgecolors=LINE, linewidth=0.4)
        for row, column in np.ndindex(counts.shape):
            if counts[row, column]:
                axes.text(
                    column + 0.5, row + 0.5, f"{counts[row, column]:.0f}",
                    ha="center", va="center", fontsize=7.5,
                )  # fmt: skip
        places = np.arange(len(names)) + 0.5
        axes.set_xticks(places, names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, names)
        axes.tick_params(length=0)
        axes.set(xlabel="predicted", ylabel="true", aspect="equal", ylim=(len(names), 0))
        return _svg(figure, "confusion matrix")


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure in inches with one axes, outside pyplot's global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    return figure, axes


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _whisker(axes: Axes, place: int, bar: Bar) -> None:
    """Draw the interval over a bar, if there is one."""
    if bar.low is not None and bar.high is not None:
        axes.plot([bar.low, bar.high], [place, place], color=INK, linewidth=1.2)


def _svg(figure: Figure, label: str) -> str:
    """Return the figure as an inline SVG element with the page's ink."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    for pattern in _CLUTTER:
        text = re.sub(pattern, "", text, flags=re.DOTALL)
    size = r'width="([\d.]+)pt" height="[\d.]+pt"'
    natural = rf'style="max-width: \1pt" role="img" aria-label="{label}"'
    text = re.sub(size, natural, text, count=1)
    text = text.replace("xlink:href", "href")
    return text.replace(INK, "currentColor").replace(LINE, "var(--line)").strip()
