"""What each calibration does to the similarities within and between groups: a table, a figure.

Prints Markdown and draws small multiples, encoder by calibration. Any table with a column of texts
and a column of groups will do.

Run: uv run python packages/ssm/benchmarks/spread.py [TABLE] [--group-by COLUMN] [--text COLUMN]
[--encoder NAME …] [--out FIGURE]

The encoder `random-bert` has the architecture of Bio_ClinicalBERT (BERT-base, 12 layers of width
768, mean pooled) with random weights: it stands in where those weights cannot be fetched. It shows
the narrow cone, and what a calibration does to one; of meaning it knows only shared words.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any, get_args

import torch
from ssm import (
    Calibration,
    CalibrationMethod,
    LabelBank,
    fit_calibration,
    load_encoder,
)
from ssm.encoders.minilm import minilm_folder
from ssm.groups import GroupSpread, measure_groups, split_pairs
from ssm.texts import read_texts

PACKAGE = Path(__file__).parents[1]
METHODS: tuple[CalibrationMethod, ...] = get_args(CalibrationMethod)
RANDOM = "random-bert"
# Okabe and Ito's blue and orange.
WITHIN, BETWEEN = "#0072B2", "#E69F00"


def random_bert(folder: Path) -> str:
    """Write BERT-base with random weights and a word-piece tokenizer; return its encoder name."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    AutoTokenizer.from_pretrained(minilm_folder()).save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(BertConfig(), add_pooling_layer=False).save_pretrained(folder)
    return f"hf:{folder}"


def embed(encoder: str, texts: tuple[str, ...]) -> torch.Tensor:
    """Vectors of the texts; nothing is left behind on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        name = random_bert(Path(folder) / "model") if encoder == RANDOM else encoder
        bank = LabelBank.build(texts, load_encoder(name), Path(folder) / "bank")
        return bank.embeddings.clone()


def row(encoder: str, method: str, found: GroupSpread) -> str:
    """One line of the table."""
    cells = [encoder, method]
    for band in (found.within, found.between):
        levels = " / ".join(f"{value:z.2f}" for value in band.percentiles.values())
        cells += [f"{band.mean:z.3f}", levels, f"{band.clamped:.0%}"]
    return "| " + " | ".join([*cells, f"{found.gap:.2f}", f"{found.auc:.3f}"]) + " |"


def draw(panels: dict[str, dict[str, tuple[torch.Tensor, torch.Tensor]]], out: Path) -> None:
    """Histograms within and between groups, all over one range, each as high as its panel."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 0.7 + 1.9 * len(panels)), layout="constrained")
    grid: Any = figure.subplots(len(panels), len(METHODS), sharex=True, squeeze=False)
    for place, (encoder, pairs) in enumerate(panels.items()):
        for axes, (method, values) in zip(grid[place], pairs.items(), strict=True):
            for kind, colour in zip(values, (BETWEEN, WITHIN), strict=True):
                shown = kind.clamp(-1, 1).numpy()
                axes.hist(shown, bins=100, range=(-1, 1), density=True, color=colour, alpha=0.65)
            axes.axvline(0, color="0.4", linewidth=0.8, linestyle=":")
            axes.set_yticks([])
            axes.set_xticks([-1, 0, 1])
            axes.set_xlim(-1.02, 1.02)
            axes.spines[["top", "right", "left"]].set_visible(False)
            if place == 0:
                axes.set_title(method, fontsize=10)
            if place == len(panels) - 1:
                axes.set_xlabel("similarity before the clamp", fontsize=8)
        grid[place, 0].set_ylabel(encoder, fontsize=10)
    patches: Any = grid[0, 0].containers
    figure.legend(
        [patches[1], patches[0]],
        ["within a category", "between categories"],
        loc="outside upper right",
        ncols=2,
        fontsize=9,
        frameon=False,
    )
    figure.savefig(out, dpi=110)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", nargs="?", type=Path, default=PACKAGE / "examples/captions.csv")
    parser.add_argument("--text", default="text")
    parser.add_argument("--group-by", default="category")
    parser.add_argument("--encoder", nargs="+", default=[RANDOM, "minilm"])
    parser.add_argument("--out", type=Path, default=PACKAGE / "docs/calibration.png")
    options = parser.parse_args()
    table = read_texts(options.table, options.text)
    groups = table.columns[options.group_by]
    print(
        "| encoder | calibration | within: mean | 5 / 50 / 95 % | ≤ 0 | between: mean "
        "| 5 / 50 / 95 % | ≤ 0 | gap | AUC |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    panels: dict[str, dict[str, tuple[torch.Tensor, torch.Tensor]]] = {}
    for encoder in options.encoder:
        embeddings = embed(encoder, table.texts)
        panels[encoder] = {}
        for method in METHODS:
            fitted: Calibration = fit_calibration(embeddings, method)
            print(row(encoder, method, measure_groups(embeddings, groups, fitted)), flush=True)
            within, between = split_pairs(embeddings, groups, fitted)
            panels[encoder][method] = between, within
    draw(panels, options.out)


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
