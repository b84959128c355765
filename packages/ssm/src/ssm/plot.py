"""A clustered heatmap of a bank: which texts the encoder takes for the same."""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ssm.bank import LabelBank
from ssm.errors import SsmError
from ssm.similarity import cosine

_MAX_TEXTS = 1000
_MAX_LABELS = 60
_LABEL_WIDTH = 48


def save_heatmap(bank: LabelBank, path: Path, *, title: str | None = None) -> None:
    """Draw the similarities of a bank's texts, like texts side by side, with their tree.

    Texts are named where at most 60 fit; colours run from the lowest to the highest cosine of two
    different texts, so that the diagonal does not eat up the scale.

    Args:
        bank: 2 to 1000 texts.
        path: Where to write; the ending gives the format (png, svg, pdf).
        title: By default the encoder's name and the number of texts.

    Raises:
        SsmError: The bank is too small or too large, matplotlib or scipy is missing, or the file
            cannot be written.
    """
    if not 2 <= len(bank) <= _MAX_TEXTS:
        raise SsmError(f"a heatmap shows 2 to {_MAX_TEXTS} texts, the bank has {len(bank)}")
    try:
        from matplotlib.figure import Figure
        from scipy.cluster.hierarchy import dendrogram
    except ImportError as error:
        raise SsmError(f"a heatmap needs {error.name!r}: install 'medfilip-ssm[plot]'") from error
    similarity = cosine(bank.embeddings, bank.embeddings).clamp(-1, 1).cpu().float()
    tree = _cluster(similarity)
    named = len(bank) <= _MAX_LABELS
    labels = [_label(text) for text in bank.texts]
    side = max(4.0, 0.2 * len(bank)) if named else 8.0
    margin = 0.07 * max(map(len, labels)) if named else 0.0
    figure = Figure(figsize=(side * 8 / 7 + margin, side + 0.9), layout="constrained")
    tree_axes, map_axes = figure.subplots(1, 2, width_ratios=(1, 7))
    drawn: Any = dendrogram(
        tree, orientation="left", ax=tree_axes, no_labels=True, link_color_func=lambda _: "0.45"
    )
    tree_axes.collections[0].set_linewidth(0.8)
    tree_axes.invert_yaxis()
    tree_axes.set_axis_off()
    order = drawn["leaves"]
    others = similarity[~torch.eye(len(bank), dtype=torch.bool)]
    image = map_axes.imshow(
        similarity[order][:, order].numpy(),
        vmin=float(others.min()),
        vmax=max(float(others.max()), float(others.min()) + 0.01),
        cmap="viridis",
        aspect="auto",
        interpolation="nearest",
    )
    map_axes.set_xticks([])
    map_axes.yaxis.tick_right()
    map_axes.set_yticks(range(len(bank)) if named else [])
    if named:
        map_axes.set_yticklabels([labels[row] for row in order], fontsize=8, parse_math=False)
    map_axes.tick_params(length=0)
    map_axes.set_title(
        title or f"{len(bank)} texts, {bank.encoder_name}",
        fontsize=10,
        loc="left",
        parse_math=False,
    )
    colours = figure.colorbar(
        image, ax=map_axes, location="bottom", shrink=0.6, aspect=30, pad=0.02, extend="max"
    )
    colours.set_label("cosine similarity", fontsize=8)
    colours.ax.tick_params(labelsize=8)
    _save(figure, path)


def _cluster(similarity: Float[Tensor, "U U"]) -> Any:  # noqa: ANN401 - scipy is untyped
    """Average linkage on 1 − cosine, leaves ordered so that neighbours are alike."""
    from scipy.cluster.hierarchy import linkage, optimal_leaf_ordering

    rows, columns = np.triu_indices(len(similarity), k=1)
    distances = (1 - (similarity + similarity.T) / 2).clamp(min=0).double()
    condensed = distances[torch.from_numpy(rows), torch.from_numpy(columns)].numpy()
    tree = linkage(condensed, method="average")
    return optimal_leaf_ordering(tree, condensed)


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
            figure.savefig(temporary, dpi=150)
        temporary.replace(path)
    except (OSError, ValueError) as error:
        raise SsmError(f"cannot write {str(path)!r}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
