"""Draw docs/predictions_*.png: what a trained model says of held-out phantoms, and where.

    uv run python packages/medfilip-model/docs/make_predictions.py RUN [--real FOLDER --keep DIR]

Phantoms of a seed that no recipe trains on: the first that show one of `SHOWN` alone. Of real
images (a manifest folder) the maps are drawn without the image, which is not ours to publish: the
first two of each finding's held-out ones; with --keep the same pictures with the images go to a
folder outside of the repository, to be looked at. --out writes to another folder than docs/.
"""

import argparse
import csv
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from iki_knowledge import KnowledgeBase, load_knowledge
from medfilip_model.calibration import Calibration, read_calibration
from medfilip_model.checkpoint import load_checkpoint
from medfilip_model.draw import draw_heatmaps
from medfilip_model.heatmap import Kind
from medfilip_model.model import MedFILIP
from medfilip_model.phantom import PhantomConfig, generate, plan_phantom
from medfilip_model.predict import choose_classes, predict
from PIL import Image

DOCS = Path(__file__).parent
SEED = 20261122
# One picture a category: its class in ChestX-ray14, and one that it is mistaken for.
SHOWN = {
    "cardiomegaly": ("Cardiomegaly", "Mass"),
    "pleural_effusion": ("Effusion", "Atelectasis"),
    "consolidation": ("Consolidation", "Pneumothorax"),
    "mass": ("Mass", "Cardiomegaly"),
}
REAL = ("Effusion", "Cardiomegaly", "Mass")


def phantoms(folder: Path) -> list[tuple[Path, tuple[str, ...], str]]:
    """Write a phantom of each category of `SHOWN`: file, classes to draw, what it shows."""
    config = PhantomConfig(size=288, seed=SEED)
    found: list[tuple[Path, tuple[str, ...], str]] = []
    for category, classes in SHOWN.items():
        for index in range(2000):
            findings = plan_phantom(config, index).findings
            if len(findings) == 1 and findings[0].category == category:
                break
        phantom = generate(config, index)
        path = folder / f"{phantom.id}.png"
        Image.fromarray((np.asarray(phantom.image) * 255).round().astype(np.uint8)).save(path)
        one = phantom.findings[0]
        where = " ".join(p for p in (one.severity, one.side, one.region) if p)
        found.append((path, classes, f"drawn: {where} {category}".replace("_", " ")))
    return found


def real(folder: Path) -> list[tuple[Path, tuple[str, ...], str]]:
    """Two held-out images of each label of `REAL`, from a manifest folder."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found: list[tuple[Path, tuple[str, ...], str]] = []
    for label in REAL:
        own = [row for row in rows if label in row["finding_labels"].split("|")]
        held = [row for row in own if row.get("repo_split", row.get("split")) != "train"] or own
        for row in held[:2]:
            told = f"labels of ChestX-ray14: {row['finding_labels'].replace('|', ', ')}"
            found.append((folder / "images" / row["file"], (label,), told))
    return found


def sheet(
    model: MedFILIP,
    kb: KnowledgeBase,
    calibration: Calibration | None,
    images: list[tuple[Path, tuple[str, ...], str]],
    *,
    kind: Kind | None,
    with_image: bool,
) -> Image.Image:
    """A picture of each image below what is known of it; three a row without images."""
    rows: list[Image.Image] = []
    with TemporaryDirectory() as folder:
        for path, classes, told in images:
            predictions, _ = predict(model, [path], kb, calibration=calibration)
            labels = choose_classes(kb.classes("chestxray14"), classes)
            (drawn,) = draw_heatmaps(
                model,
                predictions,
                kb,
                Path(folder) / "row.png",
                labels,
                calibration=calibration,
                kind=kind,
                with_image=with_image,
                heading=told,
            )
            with Image.open(drawn) as row:
                rows.append(row.convert("RGB"))
    columns = 1 if with_image else 3
    width, height = max(row.width for row in rows), max(row.height for row in rows)
    deep = -(-len(rows) // columns)
    whole = Image.new("RGB", (columns * width, deep * height), (255, 255, 255))
    for number, row in enumerate(rows):
        # Column by column, so that images of one label stand below each other.
        column, line = divmod(number, deep)
        whole.paste(row, (column * width, line * height))
    return whole


def main() -> None:
    """Parse the command line and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="run or checkpoint folder")
    parser.add_argument("--by", choices=["attention", "similarity", "occlusion"])
    parser.add_argument("--name", default="phantoms", help="predictions_NAME.png")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of the picture")
    parser.add_argument("--real", type=Path, help="manifest folder of real images")
    parser.add_argument("--keep", type=Path, help="folder for pictures with the real images")
    given = parser.parse_args()
    kb, checkpoint = load_knowledge(), load_checkpoint(given.run)
    parts = (checkpoint.model, kb, read_calibration(checkpoint.extra))
    if given.real is None:
        with TemporaryDirectory() as folder:
            drawn = sheet(*parts, phantoms(Path(folder)), kind=given.by, with_image=True)
        drawn.save(given.out / f"predictions_{given.name}.png", optimize=True)
        return
    images = real(given.real)
    bare = sheet(*parts, images, kind=given.by, with_image=False)
    bare.save(given.out / f"predictions_{given.name}.png", optimize=True)
    if given.keep is not None:
        if DOCS.parents[2] in given.keep.resolve().parents:
            sys.exit("error: --keep must lie outside of the repository: real images stay there")
        given.keep.mkdir(parents=True, exist_ok=True)
        whole = sheet(*parts, images, kind=given.by, with_image=True)
        whole.save(given.keep / f"predictions_{given.name}.png")


if __name__ == "__main__":
    main()
