"""Why a model says what it says: the visual attributes that an image shows, and what follows.

The model is asked for every visual attribute of the dictionary by its text ("meniscus with a
curved upper edge"), as it is asked for classes. What an attribute is weighed against has to be
chosen, since the dictionary has no text for its absence. Other values of its kind will not do: they
do not exclude each other (an effusion is low and layering at once). The text of an image without
findings denies all of them, so the curve of an attribute, fitted to held-out images, reads the
similarities to both texts (`medfilip_model.calibration`). What an attribute then adds to the
log-odds of its base rate is its *evidence*: for it above 0, against it below. So neither a phrase
that lies near to all images nor a common attribute speaks louder than the image. Attributes that
the model cannot tell have a flat curve and no say; those that no held-out image could teach are
read by the pooled curve. Without a calibration an attribute is weighed against the mean of all of
them, and nothing is inferred.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from iki_knowledge import Attribute, Entry, KnowledgeBase
from iki_knowledge.infer import Inference, subclass_attributes
from jaxtyping import Float
from torch import Tensor

from medfilip_model.calibration import Calibration, centred
from medfilip_model.encode import encode_texts
from medfilip_model.model import MedFILIP

# Categories that an image's attributes are told to fit best.
_INFERRED = 5


@dataclass(frozen=True)
class AttributeScore:
    """A visual attribute in one image.

    Attributes:
        attribute: Its id.
        text: The phrase that the image was compared with.
        similarity: Cosine of image and phrase.
        evidence: What it adds to the log-odds that the image shows the attribute: above 0 speaks
            for, below against; None without a calibration.
    """

    attribute: str
    text: str
    similarity: float
    evidence: float | None


@dataclass(frozen=True)
class Explanation:
    """What speaks for and against one category in one image.

    Attributes:
        category: Dictionary id.
        speaks_for: Attributes of the category, or of the subclass found, that the image shows;
            strongest first.
        speaks_against: Those that it lacks; strongest first.
        severity: The severity whose picture fits the attributes better than the category's; None
            where none does, or without a calibration.
        place: The region or side likewise.
    """

    category: str
    speaks_for: tuple[AttributeScore, ...]
    speaks_against: tuple[AttributeScore, ...]
    severity: str | None
    place: str | None


@dataclass(frozen=True)
class Inferred:
    """A category as it follows from an image's attributes alone (`KnowledgeBase.infer`).

    Attributes:
        category: Dictionary id, of any category, asked for or not.
        probability: Among all categories of the dictionary, each as likely before.
        severity: As in `Explanation`.
        place: Likewise.
        seen: Attributes that decided.
        missing: Attributes that it shows and the image does not.
    """

    category: str
    probability: float
    severity: str | None
    place: str | None
    seen: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Reasons:
    """One image, read by its attributes.

    Attributes:
        classes: The categories asked for, in that order.
        inferred: The categories of the dictionary that fit best, among those of which the image
            shows an attribute; empty without a calibration.
    """

    classes: tuple[Explanation, ...]
    inferred: tuple[Inferred, ...]


def explain(
    model: MedFILIP,
    embedded: Float[Tensor, "N D"],
    kb: KnowledgeBase,
    categories: Sequence[str],
    *,
    calibration: Calibration | None = None,
) -> tuple[Reasons, ...]:
    """Read images by their visual attributes.

    Args:
        model: The model.
        embedded: Images, from `medfilip_model.encode.encode_images`.
        kb: Dictionary.
        categories: Category ids to explain.
        calibration: From `read_calibration`.

    Returns:
        One for each image.

    Raises:
        UnknownCategoryError: For a category that the dictionary lacks.
    """
    entries = [kb[category] for category in categories]
    read = _readings(model, embedded, kb.attributes, calibration)
    return tuple(_reasons(scores, entries, kb) for scores in read)


def _readings(
    model: MedFILIP,
    embedded: Float[Tensor, "N D"],
    attributes: Sequence[Attribute],
    calibration: Calibration | None,
) -> list[dict[str, AttributeScore]]:
    """Every attribute of each image."""
    texts = encode_texts(model, [attribute.text for attribute in attributes])
    cosines = (embedded @ texts.T).numpy()
    evidence = [[None] * len(attributes) for _ in cosines]
    if calibration is not None:
        evidence = _evidence(model, embedded, texts, attributes, calibration)
    return [
        {
            one.id: AttributeScore(one.id, one.text, float(cosine), weight)
            for one, cosine, weight in zip(attributes, row, weights, strict=True)
        }
        for row, weights in zip(cosines, evidence, strict=True)
    ]


def _evidence(
    model: MedFILIP,
    embedded: Float[Tensor, "N D"],
    texts: Float[Tensor, "A D"],
    attributes: Sequence[Attribute],
    calibration: Calibration,
) -> Sequence[Sequence[float | None]]:
    """Evidence of each image for each attribute; None where there is not even a pooled curve."""
    centre = torch.tensor(calibration.centre)
    scores = centred(embedded, texts, centre)
    normal = centred(embedded, encode_texts(model, [calibration.normal]), centre)[:, 0]
    columns: list[list[float | None]] = []
    for a, one in enumerate(attributes):
        curve, _ = calibration.attributes.of(one.id)
        known = None if curve is None else curve.evidence(scores[:, a], normal).tolist()
        columns.append([None] * len(embedded) if known is None else known)
    return [list(row) for row in zip(*columns, strict=True)]


def _reasons(
    scores: dict[str, AttributeScore], entries: Sequence[Entry], kb: KnowledgeBase
) -> Reasons:
    known = {name: score.evidence for name, score in scores.items() if score.evidence is not None}
    # By likelihood alone: `infer` takes every category, and so every attribute, as likely before.
    ranked = kb.infer({name: 1 / (1 + math.exp(-value)) for name, value in known.items()})
    inferred = {one.category: one for one in ranked} if known else {}
    mean = float(np.mean([score.similarity for score in scores.values()]))
    return Reasons(
        tuple(_explanation(entry, scores, inferred.get(entry.id), mean) for entry in entries),
        # A category of which nothing is seen leads only because its like has little to miss.
        tuple(_plain(one) for one in ranked if one.decided_by)[:_INFERRED] if known else (),
    )


def _explanation(
    entry: Entry, scores: dict[str, AttributeScore], found: Inference | None, mean: float
) -> Explanation:
    # A subclass of what is not seen would only be the one with the least to miss.
    seen = found is not None and bool(found.decided_by)
    severity, place = (found.severity, found.place) if found is not None and seen else (None, None)
    shown = dict.fromkeys(entry.attributes)
    for key in (severity, place):
        # In the order of the dictionary; what only the subclass shows comes after.
        own = subclass_attributes(entry, key) if key else frozenset(shown)
        shown = dict.fromkeys([name for name in shown if name in own] + sorted(own - shown.keys()))

    def weight(name: str) -> float:
        score = scores[name]
        return score.similarity - mean if score.evidence is None else score.evidence

    order = sorted(shown, key=weight, reverse=True)
    return Explanation(
        category=entry.id,
        speaks_for=tuple(scores[name] for name in order if weight(name) > 0),
        speaks_against=tuple(scores[name] for name in reversed(order) if weight(name) < 0),
        severity=severity,
        place=place,
    )


def _plain(one: Inference) -> Inferred:
    return Inferred(
        one.category, one.probability, one.severity, one.place, one.decided_by, one.missing
    )
