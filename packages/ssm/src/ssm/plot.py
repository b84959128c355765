"""A clustered heatmap of a bank: which texts the encoder takes for the same."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ssm.bank import LabelBank
from ssm.calibration import Calibration
from ssm.errors import SsmError
from ssm.order import Block, Order, largest, order_by_group, order_by_tree, spread_out
from ssm.similarity import cosine

_MOST_TEXTS = 1000
_MOST_NAMED = 60
_MOST_CLUSTERS = 25
_LABEL_WIDTH = 48
_FORMATS = (".png", ".svg", ".pdf")
# Okabe and Ito's palette, which the colour-blind tell apart, without black. Neighbours differ;
# names tell groups apart, so that with more groups than colours these may come again.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
# Inches.
_CELL, _LEAST_SIDE, _SIDE = 0.2, 3.2, 9.0
_STRIP, _PAD, _TREE, _LEADER, _LINE, _LEAST_GRID = 0.16, 0.06, 1.2, 0.25, 0.17, 0.2


@dataclass(frozen=True, eq=False)
class _Sheet:
    """A figure, and where on it the square map stands, in inches from its lower left corner."""

    figure: Any
    left: float
    bottom: float
    side: float
    count: int

    def axes(self, x: float, y: float, width: float, height: float) -> Any:  # noqa: ANN401
        """Axes whose corner is x, y inches from the map's."""
        wide, high = self.figure.get_size_inches()
        place = ((self.left + x) / wide, (self.bottom + y) / high, width / wide, height / high)
        return self.figure.add_axes(place)

    def beside(self, x: float, width: float) -> Any:  # noqa: ANN401
        """Empty axes as high as the map, with its rows on the y axis and inches on the x axis."""
        axes = self.axes(x, 0.0, width, self.side)
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(self.count - 0.5, -0.5)
        return axes


def save_heatmap(
    bank: LabelBank,
    path: Path,
    *,
    groups: Sequence[str] | None = None,
    group_name: str = "group",
    calibration: Calibration | None = None,
    title: str | None = None,
) -> None:
    """Draw the similarities of a bank's texts, like texts side by side.

    With groups, rows and columns are ordered by group and clustered within each; a strip of colours
    and the groups' names stand beside the map. Without, all texts are clustered, with their tree.
    Texts are named where at most 60 fit; above that, without groups, clusters are named by their
    middle text. Colours run from the lowest to the highest similarity of two different texts,
    but for the half per cent at either end, so that neither the diagonal nor a twin eats up the
    scale.

    Args:
        bank: 2 to 1000 texts.
        path: Where to write; the ending gives the format (png, svg, pdf).
        groups: The group of each text; ``""`` is shown last, as ``(none)``.
        group_name: What groups are called in the title.
        calibration: Applied to rows and cosines, which are then clamped to [0, 1] as in a target;
            by default the bank's own.
        title: By default what is shown: texts, groups, encoder and calibration.

    Raises:
        SsmError: The bank is too small or too large, the groups are not one for each text,
            matplotlib or scipy is missing, or the file cannot be written.
    """
    count = len(bank)
    if not 2 <= count <= _MOST_TEXTS:
        raise SsmError(
            f"a heatmap shows 2 to {_MOST_TEXTS} texts, the bank has {count}: encode a part of "
            "them into a bank of its own"
        )
    if path.suffix.lower() not in _FORMATS:
        raise SsmError(f"cannot write {str(path)!r}: its ending must be {', '.join(_FORMATS)}")
    if groups is not None and len(groups) != count:
        raise SsmError(f"expected a group for each of {count} texts, got {len(groups)}")
    try:
        from matplotlib.figure import Figure
        from scipy.cluster.hierarchy import dendrogram
    except ImportError as error:
        raise SsmError(f"a heatmap needs {error.name!r}: install 'medfilip-ssm[plot]'") from error
    calibration = bank.calibration if calibration is None else calibration
    similarity = _similarity(bank.embeddings, calibration)
    named = count <= _MOST_NAMED
    side = max(_LEAST_SIDE, _CELL * count) if named else _SIDE
    # What does not fit is still drawn: the file is cut around all there is.
    figure = Figure(figsize=(side + 8, side + 2))
    sheet = _Sheet(figure, left=4.0, bottom=1.0, side=side, count=count)
    if groups is None:
        order = order_by_tree(similarity, bank.texts, _MOST_CLUSTERS)
        axes = sheet.beside(-_TREE - _PAD, _TREE)
        tree = order.tree
        dendrogram(
            tree, orientation="left", ax=axes, no_labels=True, link_color_func=lambda _: "0.45"
        )
        axes.set_ylim(10 * count, 0)
        axes.collections[0].set_linewidth(0.8 if named else 0.4)
    else:
        order = order_by_group(similarity, groups)
        _strips(sheet, order.blocks)
        _side_names(sheet, order.blocks, right=False)
    _map(sheet, similarity[order.rows][:, order.rows], order, calibration, grid=groups is not None)
    if named:
        axes = sheet.beside(side + _PAD, 1.0)
        for place, row in enumerate(order.rows):
            _write(axes, 0.0, float(place), _label(bank.texts[row]), left=True)
    elif groups is None:
        _side_names(sheet, order.blocks, right=True)
    shown = f"{count} texts{'' if groups is None else f' by {group_name}'}, {bank.encoder_name}"
    if calibration.method != "none":
        shown += f", calibration {calibration.method}"
    top = sheet.axes(0.0, side + (_PAD if groups is None else _STRIP + 2 * _PAD), side, 0.25)
    top.set_axis_off()
    top.text(0, 0.2, title or shown, fontsize=10, parse_math=False)
    _save(figure, path)


def _similarity(embeddings: Tensor, calibration: Calibration) -> Float[Tensor, "U U"]:
    rows = calibration.rows(embeddings).cpu().float()
    similarity = cosine(rows, rows).clamp(-1, 1)
    if calibration.method == "none":
        return similarity
    return calibration.apply(similarity).clamp(0, 1)


def _map(
    sheet: _Sheet, values: Tensor, order: Order, calibration: Calibration, *, grid: bool
) -> None:
    """The square of colours, with its scale below."""
    count = len(values)
    first, second = torch.triu_indices(count, count, offset=1)
    others = values[first, second]
    low, high = torch.quantile(others, torch.tensor([0.005, 0.995])).tolist()
    axes = sheet.axes(0.0, 0.0, sheet.side, sheet.side)
    image = axes.imshow(
        values.numpy(), vmin=low, vmax=max(high, low + 0.01), cmap="viridis", aspect="auto"
    )
    axes.set_xticks([])
    axes.set_yticks([])
    if grid and sheet.side / len(order.blocks) > _LEAST_GRID:
        for block in order.blocks[1:]:
            for line in (axes.axhline, axes.axvline):
                line(block.start - 0.5, color="white", linewidth=0.9 if count < 200 else 0.5)
    width = min(sheet.side, 4.5)
    scale = sheet.axes((sheet.side - width) / 2, -0.35, width, 0.14)
    lowest = "both" if float(others.min()) < low - 1e-6 else "max"
    bar = sheet.figure.colorbar(image, cax=scale, orientation="horizontal", extend=lowest)
    plain = calibration.method == "none"
    bar.set_label("cosine similarity" if plain else "calibrated similarity", fontsize=8)
    scale.tick_params(labelsize=8)


def _strips(sheet: _Sheet, blocks: Sequence[Block]) -> None:
    """The groups' colours, left of the map and above it."""
    count = sheet.count
    left = sheet.beside(-_STRIP - _PAD, _STRIP)
    above = sheet.axes(0.0, sheet.side + _PAD, sheet.side, _STRIP)
    above.set_axis_off()
    above.set_xlim(-0.5, count - 0.5)
    above.set_ylim(0, 1)
    for place, block in enumerate(blocks):
        colour = _COLOURS[place % len(_COLOURS)]
        left.axhspan(block.start - 0.5, block.stop - 0.5, color=colour, linewidth=0)
        above.axvspan(block.start - 0.5, block.stop - 0.5, color=colour, linewidth=0)


def _side_names(sheet: _Sheet, blocks: Sequence[Block], *, right: bool) -> None:
    """Each block's name with a line to its middle; where not all fit, the largest are named."""
    gap = _LINE * sheet.count / sheet.side
    chosen = largest(blocks, int(sheet.side / _LINE))
    middles = [(block.start + block.stop - 1) / 2 for block in chosen]
    places = spread_out(middles, gap, 0.0, sheet.count - 1.0)
    x = sheet.side + _PAD if right else -_LEADER - 2 * _PAD - _STRIP
    axes = sheet.beside(x, _LEADER)
    start, end = (0.0, _LEADER) if right else (_LEADER, 0.0)
    bend = (end - start) / 4
    for block, middle, place in zip(chosen, middles, places, strict=True):
        axes.plot(
            [start, start + bend, end - bend, end],
            [middle, middle, place, place],
            color="0.5",
            linewidth=0.6,
        )
        size = block.stop - block.start
        count = f" ({size})" if right or len(chosen) < len(blocks) else ""
        _write(axes, end + 2 * bend / 3, place, _label(block.name) + count, left=right)
    if len(chosen) < len(blocks):
        note = f"{len(chosen)} of {len(blocks)} groups are named, the largest first"
        axes.text(end, sheet.count + gap / 2, note, fontsize=7, color="0.4", ha="right", va="top")


def _write(axes: Any, x: float, y: float, text: str, *, left: bool) -> None:  # noqa: ANN401
    axes.text(
        x,
        y,
        text,
        fontsize=8,
        ha="left" if left else "right",
        va="center_baseline",
        parse_math=False,
    )


def _label(text: str) -> str:
    """One short line."""
    line = " ".join(text.split())
    return line if len(line) <= _LABEL_WIDTH else f"{line[: _LABEL_WIDTH - 1]}…"


def _save(figure: Any, path: Path) -> None:  # noqa: ANN401 - matplotlib is imported when used
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        with warnings.catch_warnings():
            # A sign that the font lacks is drawn as a box, which says enough.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(temporary, dpi=150, bbox_inches="tight", pad_inches=0.15)
        temporary.replace(path)
    except (OSError, ValueError) as error:
        raise SsmError(f"cannot write {str(path)!r}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
