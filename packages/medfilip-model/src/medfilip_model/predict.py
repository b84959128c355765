"""What a model sees in image files: classes, the reasons for them, and pictures of where."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from iki_knowledge import KnowledgeBase
from jaxtyping import Float, UInt8
from torch import Tensor

from medfilip_model.calibration import Calibration
from medfilip_model.classes import ClassQuestions, ClassScore, score_classes
from medfilip_model.data.decode import load_image
from medfilip_model.data.samples import Skipped
from medfilip_model.encode import encode_images
from medfilip_model.errors import ConfigError, DataError
from medfilip_model.explain import Reasons, explain
from medfilip_model.model import MedFILIP

# Files that are in memory at a time.
_PART = 256
# Classes of which more is told where none are named.
_SHOWN = 3


@dataclass(frozen=True)
class Prediction:
    """One image file.

    Attributes:
        file: As given.
        normal: Cosine of the image and the text of an image without findings.
        scores: Its classes, the most probable first; without a calibration the most similar.
        reasons: What speaks for each class, in the order of `scores`; None unless asked for.
    """

    file: str
    normal: float
    scores: tuple[ClassScore, ...]
    reasons: Reasons | None = None


def predict(
    model: MedFILIP,
    files: Sequence[Path],
    kb: KnowledgeBase,
    *,
    classes: str = "chestxray14",
    calibration: Calibration | None = None,
    reasons: bool = False,
) -> tuple[tuple[Prediction, ...], tuple[Skipped, ...]]:
    """Score image files against the classes of a data set.

    Args:
        model: The model.
        files: Image files of any size, DICOM and 16-bit among them.
        kb: Dictionary.
        classes: A data set of the dictionary, e.g. ``"chestxray14"``.
        calibration: From `medfilip_model.calibration.read_calibration`; None: similarities only.
        reasons: Whether to explain each class by visual attributes.

    Returns:
        Predictions in the order of the files, and the files that could not be read.

    Raises:
        IkiError: If the dictionary has no such data set.
    """
    asked = ClassQuestions.of(model, kb, kb.classes(classes), calibration)
    predictions: list[Prediction] = []
    skipped: list[Skipped] = []
    for start in range(0, len(files), _PART):
        pixels, read, unread = _decoded(files[start : start + _PART], model.config.size)
        skipped.extend(unread)
        embedded = encode_images(model, pixels)
        why = _why(model, embedded, kb, asked) if reasons else [None] * len(read)
        normals = (embedded @ asked.normal).tolist()
        scores = score_classes(model, pixels, embedded, asked)
        predictions += [
            Prediction(str(file), normal, own, None if one is None else _ordered(one, own))
            for file, normal, own, one in zip(read, normals, scores, why, strict=True)
        ]
    return tuple(predictions), tuple(skipped)


def shown_classes(prediction: Prediction, chosen: Sequence[str] = ()) -> tuple[str, ...]:
    """The labels of which more is told: those chosen, else those that rank first."""
    return tuple(chosen) or tuple(score.label for score in prediction.scores[:_SHOWN])


def choose_classes(named: dict[str, str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The labels of a data set that are meant by labels or category ids, whatever their case.

    Args:
        named: Label -> category, from `KnowledgeBase.classes`.
        wanted: Labels or category ids.

    Raises:
        ConfigError: With near names, for one that the data set lacks.
    """
    known = {label.lower(): label for label in named}
    known |= {category.lower(): label for label, category in reversed(named.items())} | known
    for name in wanted:
        if name.lower() not in known:
            near = dict.fromkeys(known[n] for n in get_close_matches(name.lower(), known))
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ConfigError(
                f"unknown class {name!r}: {hint or 'the classes are ' + ', '.join(named)}"
            )
    return tuple(dict.fromkeys(known[name.lower()] for name in wanted))


def _decoded(
    files: Sequence[Path], size: int
) -> tuple[UInt8[np.ndarray, "N H W"], list[Path], list[Skipped]]:
    pixels: list[np.ndarray] = []
    read: list[Path] = []
    skipped: list[Skipped] = []
    for file in files:
        try:
            pixels.append(load_image(file, size))
            read.append(file)
        except DataError as error:
            skipped.append(Skipped(str(file), str(error)))
    shape = (0, size, size)
    return np.stack(pixels) if pixels else np.zeros(shape, np.uint8), read, skipped


def _why(
    model: MedFILIP, embedded: Float[Tensor, "N D"], kb: KnowledgeBase, asked: ClassQuestions
) -> Sequence[Reasons]:
    return explain(model, embedded, kb, asked.categories, calibration=asked.calibration)


def _ordered(reasons: Reasons, scores: Sequence[ClassScore]) -> Reasons:
    """The explanations in the order of the scores."""
    known = {one.category: one for one in reasons.classes}
    order = dict.fromkeys(score.category for score in scores)
    return replace(reasons, classes=tuple(known[category] for category in order))
