"""Planes: a confusion matrix, a map of embeddings."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox, BboxBase

from medfilip_bench.report.plots.ink import COLOURS, INK, LINE, colour, drawing, legend, rgb, svg
from medfilip_bench.series import Spot

_Along = Literal["left", "center", "right"]
_Across = Literal["top", "center", "bottom"]
# A subclass has its marker; the first is for none.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "p", "h")
_MOST_IMAGES = 300
# Where a name may stand beside its text, best first: offset in points, and how it is set there.
_SIDES: tuple[tuple[tuple[int, int], _Along, _Across], ...] = (
    ((0, 6), "center", "bottom"),
    ((0, -6), "center", "top"),
    ((7, 0), "left", "center"),
    ((-7, 0), "right", "center"),
)
# Half the side of a text's marker, in points.
_MARKER = 4.5
# A name over the edge is worse than one over others.
_OUTSIDE = 100


def confusion(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """Draw a confusion matrix: shade is the share of the true class, figures are images.

    Args:
        matrix: Images by true class (rows) and predicted class (columns).
        names: Class names.
    """
    counts = np.array(matrix, dtype=np.float64).reshape(len(names), -1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shade = LinearSegmentedColormap.from_list("shade", [(*rgb(COLOURS[0]), a) for a in (0, 1)])
    side = 1.7 + 0.3 * len(names)
    with drawing(side + 0.3, side) as (figure, axes):
        # Cells as shapes, not as a bitmap: the page's own colour shows through the empty ones.
        for row, column in np.argwhere(counts):
            shape = share[row, column]
            axes.fill(
                column + np.array([0, 1, 1, 0]), row + np.array([0, 0, 1, 1]),
                color=shade(float(shape)), linewidth=0,
            )  # fmt: skip
            axes.text(
                column + 0.5, row + 0.5, f"{counts[row, column]:.0f}",
                ha="center", va="center", fontsize=7, in_layout=False,
            )  # fmt: skip
        for place in range(1, len(names)):
            axes.axhline(place, color=LINE, linewidth=0.4)
            axes.axvline(place, color=LINE, linewidth=0.4)
        places = np.arange(len(names)) + 0.5
        axes.set_xticks(places, names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, names)
        axes.set(xlabel="predicted", ylabel="true", aspect="equal")
        axes.set(xlim=(0, len(names)), ylim=(len(names), 0))
        return svg(figure, "confusion matrix")


def embedding(spots: Sequence[Spot]) -> str:
    """Draw images and texts in one plane: colour is the class, shape the subclass.

    Images are small and faint, texts large with an edge. Of many images an even part is drawn.

    Args:
        spots: Their places.
    """
    labels = list(dict.fromkeys(spot.label for spot in spots))
    subs = [None, *dict.fromkeys(spot.sub for spot in spots if spot.sub is not None)]
    images = [spot for spot in spots if spot.kind == "image"]
    texts = [spot for spot in spots if spot.kind == "text"]
    drawn = images[:: max(1, -(-len(images) // _MOST_IMAGES))]
    with drawing(6.4, 4.6) as (figure, axes):
        for number, label in enumerate(labels):
            for place, sub in enumerate(subs):
                shape = MARKERS[place % len(MARKERS)]
                kept = [s for s in drawn if (s.label, s.sub) == (label, sub)]
                _dots(axes, kept, shape, number, size=3.8, alpha=0.55)
        for spot in texts:
            shape = MARKERS[subs.index(spot.sub) % len(MARKERS)]
            _dots(axes, [spot], shape, labels.index(spot.label), size=8.5, edge=INK)
        axes.margins(0.06)
        axes.set_xticks([])
        axes.set_yticks([])
        keys = _keys(axes, labels, [s for s in subs if s is not None], bool(texts))
        legend(figure, keys, columns=4)
        _name(figure, axes, texts)
        return svg(figure, "map of image and text embeddings")


def _dots(
    axes: Axes,
    spots: Sequence[Spot],
    shape: str,
    number: int,
    *,
    size: float,
    alpha: float = 1.0,
    edge: str = "none",
) -> None:
    if spots:
        axes.plot(
            [s.x for s in spots], [s.y for s in spots], shape, color=colour(number),
            markersize=size, alpha=alpha, mec=edge, mew=0.9,
        )  # fmt: skip


def _name(figure: Figure, axes: Axes, texts: Sequence[Spot]) -> None:
    """Write each class beside its topmost text: colours alone repeat where classes are many.

    Of the places around the text it takes the one that covers the fewest other names and texts.
    """
    # The layout decides how far apart things are.
    figure.draw_without_rendering()
    reach = _MARKER * figure.dpi / 72
    taken = [
        Bbox.from_extents(x - reach, y - reach, x + reach, y + reach)
        for x, y in (axes.transData.transform((spot.x, spot.y)) for spot in texts)
    ]
    for label in dict.fromkeys(spot.label for spot in texts):
        top = max((spot for spot in texts if spot.label == label), key=lambda spot: spot.y)
        names = [_beside(axes, top, *side) for side in _SIDES]
        boxes = [name.get_window_extent() for name in names]
        costs = [
            box.count_overlaps(taken) + _OUTSIDE * (not _holds(axes.bbox, box)) for box in boxes
        ]
        kept = costs.index(min(costs))
        for number, name in enumerate(names):
            if number != kept:
                name.remove()
        taken.append(boxes[kept])


def _beside(
    axes: Axes, spot: Spot, offset: tuple[int, int], along: _Along, across: _Across
) -> Annotation:
    return axes.annotate(
        spot.label, (spot.x, spot.y), xytext=offset, textcoords="offset points",
        ha=along, va=across, fontsize=7.5, in_layout=False,
    )  # fmt: skip


def _holds(outer: BboxBase, inner: BboxBase) -> bool:
    return all(outer.contains(x, y) for x, y in inner.corners())


def _keys(axes: Axes, labels: Sequence[str], subs: Sequence[str], texts: bool) -> list[str]:
    """Set the legend's entries: a colour a class, a shape a subclass, and what a text looks like.

    They are lines without points, which only a legend shows.
    """
    entries: list[str] = []
    for number, label in enumerate(labels):
        axes.plot([], [], "o", color=colour(number), mew=0, label=label)
        entries.append(label)
    for number, sub in enumerate(subs, start=1):
        axes.plot([], [], MARKERS[number % len(MARKERS)], color=LINE, mec=INK, mew=0.6, label=sub)
        entries.append(sub)
    if texts:
        words = "text (framed, large)"
        axes.plot([], [], "o", color="none", mec=INK, mew=0.9, markersize=8, label=words)
        entries.append(words)
    return entries
