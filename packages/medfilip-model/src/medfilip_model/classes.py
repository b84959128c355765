"""The classes of a data set, scored on images that are decoded already."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from iki_knowledge import KnowledgeBase
from jaxtyping import Float, UInt8
from torch import Tensor

from medfilip_model.calibration import Calibration, Curves, Source, centred
from medfilip_model.config import DataConfig
from medfilip_model.encode import encode_texts
from medfilip_model.model import MedFILIP
from medfilip_model.presence import ask, entity_queries
from medfilip_model.zeroshot import class_prompts, encode_classes


@dataclass(frozen=True)
class ClassScore:
    """One class of one image.

    Attributes:
        label: The data set's own label.
        category: Dictionary id.
        similarity: Cosine of the image and the class's texts (eq. 10): it ranks images within a
            class, and is no probability.
        probability: From that and the similarity to the text of an image without findings, by
            curves fitted to held-out images (`medfilip_model.calibration`); None without them.
        presence: The fusion head's answer, calibrated likewise; None without either.
        calibrated: Whose curves those are: the class's ``own``, or ``pooled`` for a class that the
            held-out images did not show often enough, which assumes it as common as the others.
    """

    label: str
    category: str
    similarity: float
    probability: float | None = None
    presence: float | None = None
    calibrated: Source | None = None


@dataclass(frozen=True)
class ClassQuestions:
    """What every image is asked about C categories, embedded once.

    Attributes:
        named: Label -> category, from `KnowledgeBase.classes`.
        categories: Each category once.
        calibration: What turns similarities into probabilities; None: similarities only.
        texts: Of the categories.
        normal: Of an image without findings.
        queries: Of the fusion head; None without one.
    """

    named: dict[str, str]
    categories: tuple[str, ...]
    calibration: Calibration | None
    texts: Float[Tensor, "C D"]
    normal: Float[Tensor, " D"]
    queries: Float[Tensor, "C D"] | None

    @classmethod
    def of(
        cls,
        model: MedFILIP,
        kb: KnowledgeBase,
        named: dict[str, str],
        calibration: Calibration | None,
    ) -> "ClassQuestions":
        """Embed them.

        Args:
            model: The model.
            kb: Dictionary.
            named: Label -> category, from `KnowledgeBase.classes`.
            calibration: From `medfilip_model.calibration.read_calibration`, or None.
        """
        categories = tuple(dict.fromkeys(named.values()))
        template = "paper" if calibration is None else calibration.template
        normal = DataConfig().normal if calibration is None else calibration.normal
        return cls(
            named=named,
            categories=categories,
            calibration=calibration,
            texts=encode_classes(model, class_prompts(kb, categories, template)),
            normal=encode_texts(model, [normal])[0],
            queries=None if model.fusion is None else entity_queries(model, categories, kb),
        )


def score_classes(
    model: MedFILIP,
    pixels: UInt8[np.ndarray, "N H W"],
    embedded: Float[Tensor, "N D"],
    asked: ClassQuestions,
) -> list[tuple[ClassScore, ...]]:
    """Score N images.

    Args:
        model: The model.
        pixels: Grey values of its input size; only a fusion head looks at them again.
        embedded: The images, from `medfilip_model.encode.encode_images`.
        asked: Questions to the same model.

    Returns:
        The classes of each image, the most probable first; without a calibration the most similar.
    """
    calibration, categories = asked.calibration, asked.categories
    cosines = (embedded @ asked.texts.T).numpy()
    probable: list[list[float | None]] = [[None] * len(categories)] * len(pixels)
    present = probable
    if calibration is not None:
        centre = torch.tensor(calibration.centre)
        scores = centred(embedded, asked.texts, centre)
        normal = centred(embedded, asked.normal[None], centre)[:, 0]
        probable = _probabilities(calibration.classes, categories, scores, normal)
        if asked.queries is not None and calibration.presence is not None:
            logits = ask(model, pixels, asked.queries).presence.numpy()
            present = _probabilities(calibration.presence, categories, logits)
    column = {category: c for c, category in enumerate(categories)}
    found: list[tuple[ClassScore, ...]] = []
    for row in range(len(pixels)):
        scores = [
            ClassScore(
                label=label,
                category=category,
                similarity=float(cosines[row, column[category]]),
                probability=probable[row][column[category]],
                presence=present[row][column[category]],
                calibrated=None if calibration is None else calibration.classes.of(category)[1],
            )
            for label, category in asked.named.items()
        ]
        found.append(tuple(sorted(scores, key=_rank, reverse=True)))
    return found


def _rank(score: ClassScore) -> tuple[float, float]:
    return score.probability or 0.0, score.similarity


def _probabilities(
    curves: Curves,
    categories: Sequence[str],
    scores: Float[np.ndarray, "N C"],
    other: Float[np.ndarray, " N"] | None = None,
) -> list[list[float | None]]:
    """Probability of each image and class; None where there is no curve."""
    table: list[list[float | None]] = [[None] * len(categories) for _ in scores]
    for c, category in enumerate(categories):
        curve, _ = curves.of(category)
        if curve is not None:
            for row, value in enumerate(curve.probability(scores[:, c], other).tolist()):
                table[row][c] = value
    return table
