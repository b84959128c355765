"""Pictures of where predicted classes are, one file an image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from iki_knowledge import KnowledgeBase
from PIL import Image

from medfilip_model.calibration import Calibration
from medfilip_model.classes import ClassScore
from medfilip_model.data.decode import load_image
from medfilip_model.errors import ConfigError
from medfilip_model.heatmap import Kind, heatmap
from medfilip_model.model import MedFILIP
from medfilip_model.overlay import Panel, picture
from medfilip_model.predict import Prediction, shown_classes

SHOWN = 288
"""The image is shown at this size, whatever the model's input."""
UNITS: dict[Kind, str] = {
    "attention": "where the fusion head looked, as a multiple of everywhere alike; "
    "no colour below 1. Not for clinical use.",
    "similarity": "cosine to the class less that to 'no finding', place by place; "
    "no colour below 0. Not for clinical use.",
    "occlusion": "how much less the image resembles the class, against 'no finding', with the "
    "place hidden; no colour below 0. Not for clinical use.",
}
"""What the colours of a map mean, by its kind."""


def draw_heatmaps(
    model: MedFILIP,
    predictions: Sequence[Prediction],
    kb: KnowledgeBase,
    out: Path,
    labels: Sequence[str] = (),
    *,
    calibration: Calibration | None = None,
    kind: Kind | None = None,
    with_image: bool = True,
    heading: str | None = None,
) -> tuple[Path, ...]:
    """Draw a picture for each predicted image: the image, and where it shows some classes.

    Args:
        model: The model.
        predictions: From `predict`; the files are read again.
        kb: Dictionary.
        out: File to write; of several images each has ``-`` and its own name put before the suffix.
        labels: Labels to draw; none: those that rank first.
        calibration: From `read_calibration`.
        kind: See `heatmap`.
        with_image: Whether the image is shown below the maps and beside them.
        heading: Line above the picture; None: the image's file.

    Returns:
        The files written, in the order of the predictions.

    Raises:
        ConfigError: If `out` is no PNG.
        DataError: If an image cannot be read any more.
    """
    if out.suffix.lower() != ".png":
        raise ConfigError(f"heatmap file {str(out)!r} must end in .png")
    names = heatmap_files(out, [Path(one.file) for one in predictions])
    for one, path in zip(predictions, names, strict=True):
        known = {score.label: score for score in one.scores}
        shown = [known[label] for label in shown_classes(one, labels)]
        pixels = load_image(Path(one.file), model.config.size)[None]
        maps = heatmap(
            model,
            pixels,
            kb,
            [score.category for score in shown],
            kind=kind,
            normal=None if calibration is None else calibration.normal,
            template="paper" if calibration is None else calibration.template,
        )
        drawn = picture(
            load_image(Path(one.file), SHOWN) if with_image else None,
            [
                Panel(_title(score), np.asarray(values))
                for score, values in zip(shown, maps.values[0], strict=True)
            ],
            heading=heading or one.file,
            unit=UNITS[maps.kind],
            floor=maps.floor,
        )
        save_picture(drawn, path)
    return names


def save_picture(drawn: Image.Image, path: Path) -> None:
    """Write a picture as PNG: complete or not there.

    Args:
        drawn: From `medfilip_model.overlay.picture`.
        path: The file; its folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    drawn.save(partial, format="PNG")
    partial.replace(path)


def heatmap_files(out: Path, images: Sequence[Path]) -> tuple[Path, ...]:
    """The picture of each image: `out` itself for one, else with the image's name, all different.

    Args:
        out: E.g. ``maps.png``.
        images: E.g. ``a.dcm`` and ``b.dcm``: ``maps-a.png`` and ``maps-b.png``.
    """
    if len(images) == 1:
        return (out,)
    names: list[Path] = []
    for image in images:
        name, number = out.with_stem(f"{out.stem}-{image.stem}"), 1
        while name in names:
            number += 1
            name = out.with_stem(f"{out.stem}-{image.stem}-{number}")
        names.append(name)
    return tuple(names)


def _title(score: ClassScore) -> tuple[str, ...]:
    parts = [f"similarity {score.similarity:.2f}"]
    if score.probability is not None:
        parts.insert(0, f"probability {score.probability:.0%}")
    if score.presence is not None:
        parts.insert(1, f"fusion head {score.presence:.0%}")
    return score.label, ", ".join(parts)
