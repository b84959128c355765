"""What a model sees in an image file: similarity to each class of a data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from iki_knowledge import KnowledgeBase

from medfilip_model.data.decode import load_image
from medfilip_model.data.samples import Skipped
from medfilip_model.encode import encode_images
from medfilip_model.errors import DataError
from medfilip_model.model import MedFILIP
from medfilip_model.zeroshot import class_prompts, encode_classes


@dataclass(frozen=True)
class ClassScore:
    """One class of one image.

    Attributes:
        label: The data set's own label.
        category: Dictionary id.
        similarity: Cosine of the image and the class's texts (eq. 10): it ranks images within a
            class, and is no probability.
    """

    label: str
    category: str
    similarity: float


@dataclass(frozen=True)
class Prediction:
    """One image file and its classes, most similar first."""

    file: str
    scores: tuple[ClassScore, ...]


def predict(
    model: MedFILIP, files: Sequence[Path], kb: KnowledgeBase, *, classes: str = "chestxray14"
) -> tuple[tuple[Prediction, ...], tuple[Skipped, ...]]:
    """Score image files against the classes of a data set.

    Args:
        model: The model.
        files: Image files of any size.
        kb: Dictionary.
        classes: A data set of the dictionary, e.g. ``"chestxray14"``.

    Returns:
        Predictions in the order of the files, and the files that could not be read.

    Raises:
        IkiError: If the dictionary has no such data set.
    """
    named = kb.classes(classes)
    read: list[Path] = []
    pixels: list[np.ndarray] = []
    skipped: list[Skipped] = []
    for file in files:
        try:
            pixels.append(load_image(file, model.config.size))
            read.append(file)
        except DataError as error:
            skipped.append(Skipped(str(file), str(error)))
    if not read:
        return (), tuple(skipped)
    categories = list(dict.fromkeys(named.values()))
    known = encode_classes(model, class_prompts(kb, categories))
    similarity = dict(
        zip(categories, (encode_images(model, np.stack(pixels)) @ known.T).T, strict=True)
    )
    predictions: list[Prediction] = []
    for row, file in enumerate(read):
        scores = [ClassScore(k, c, float(similarity[c][row])) for k, c in named.items()]
        ranked = sorted(scores, key=lambda score: -score.similarity)
        predictions.append(Prediction(str(file), tuple(ranked)))
    return tuple(predictions), tuple(skipped)
