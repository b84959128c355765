"""Stated findings against images: which hold, which do not, and what is not stated."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from iki_knowledge import Finding, KnowledgeBase
from jaxtyping import Float, UInt8
from torch import Tensor

from medfilip_model.calibration import Calibration, centred
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.errors import CheckpointError, DataError
from medfilip_model.model import MedFILIP
from medfilip_model.statements.asking import ask_statements
from medfilip_model.statements.evidence import Reading
from medfilip_model.statements.judge import DECISIVE, Judged, judge
from medfilip_model.statements.questions import questions
from medfilip_model.statements.verdict import Judgement, Omission, Slot, SlotJudgement, Verdict
from medfilip_model.zeroshot import class_prompts, encode_classes

__all__ = [
    "DECISIVE",
    "Judged",
    "Judgement",
    "Omission",
    "Slot",
    "SlotJudgement",
    "Verdict",
    "compare",
]


def compare(
    model: MedFILIP,
    pixels: UInt8[np.ndarray, "N S S"],
    stated: Sequence[Sequence[Finding]],
    kb: KnowledgeBase,
    calibration: Calibration | None,
) -> tuple[Judged, ...]:
    """Judge what is stated of N frontal images.

    Categories that the calibration's images taught are judged beside each other, with their sides
    and severities (`medfilip_model.statements`); of others only the presence is, by the pooled
    curve, each for itself. Without a calibration nothing is decided.

    Args:
        model: The model.
        pixels: Grey values of the model's input size (`medfilip_model.data.decode.load_image`);
            the patient's right is on the left.
        stated: The findings stated of each image.
        kb: Dictionary.
        calibration: From `medfilip_model.calibration.read_calibration`.

    Returns:
        One for each image.

    Raises:
        DataError: If there are not as many images as lists of statements.
        UnknownCategoryError: For a category that the dictionary lacks.
        CheckpointError: If the calibration was fitted with other severities than the dictionary's.
    """
    if len(stated) != len(pixels):
        raise DataError(f"{len(pixels)} images, and statements about {len(stated)}: give one each")
    embedded = encode_images(model, pixels)
    fit = None if calibration is None else calibration.statements
    readings: Sequence[Reading | None] = [None] * len(pixels)
    if fit is not None:
        asked = questions(kb, fit.model.categories, template=fit.template, normal=fit.normal)
        if asked.plain + len(asked.weights) != fit.model.whole.precision.shape[0]:
            raise CheckpointError(
                "the checkpoint judges statements by another dictionary: some of its categories "
                f"have severities here ({kb.version!r}) and had none there, or the other way "
                "round; take the dictionary of its training, or train again"
            )
        readings = ask_statements(model, pixels, embedded, asked).readings(asked)
    known = set() if fit is None else {*fit.model.categories}
    rare = sorted({finding.category for own in stated for finding in own} - known)
    alone = _alone(model, embedded, rare, kb, calibration)
    return tuple(
        judge(fit, reading, own, kb, evidence)
        for reading, own, evidence in zip(readings, stated, alone, strict=True)
    )


def _alone(
    model: MedFILIP,
    embedded: Float[Tensor, "N D"],
    categories: Sequence[str],
    kb: KnowledgeBase,
    calibration: Calibration | None,
) -> list[Mapping[str, float]]:
    """Evidence for categories by their own curves, or the pooled one."""
    if calibration is None or not categories:
        return [{} for _ in embedded]
    centre = torch.tensor(calibration.centre)
    texts = encode_classes(model, class_prompts(kb, categories, calibration.template))
    scores = centred(embedded, texts, centre)
    normal = centred(embedded, encode_texts(model, [calibration.normal]), centre)[:, 0]
    columns: dict[str, list[float]] = {}
    for c, category in enumerate(categories):
        curve, _ = calibration.classes.of(category)
        if curve is not None:
            columns[category] = curve.evidence(scores[:, c], normal).tolist()
    return [{name: values[n] for name, values in columns.items()} for n in range(len(embedded))]
