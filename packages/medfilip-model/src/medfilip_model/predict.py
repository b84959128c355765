"""What a model sees in image files: classes, the reasons for them, and pictures of where."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import torch
from iki_knowledge import KnowledgeBase
from jaxtyping import Float, UInt8
from torch import Tensor

from medfilip_model.calibration import Calibration, Curves, Source, centred
from medfilip_model.config import DataConfig
from medfilip_model.data.decode import load_image
from medfilip_model.data.samples import Skipped
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.errors import ConfigError, DataError
from medfilip_model.explain import Reasons, explain
from medfilip_model.model import MedFILIP
from medfilip_model.presence import ask, entity_queries
from medfilip_model.zeroshot import class_prompts, encode_classes

# Files that are in memory at a time.
_PART = 256
# Classes of which more is told where none are named.
_SHOWN = 3


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


@dataclass(frozen=True)
class _Asked:
    """What every image is asked, embedded once."""

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
    ) -> "_Asked":
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
    asked = _Asked.of(model, kb, kb.classes(classes), calibration)
    predictions: list[Prediction] = []
    skipped: list[Skipped] = []
    for start in range(0, len(files), _PART):
        pixels, read, unread = _decoded(files[start : start + _PART], model.config.size)
        skipped.extend(unread)
        embedded = encode_images(model, pixels)
        why = _why(model, embedded, kb, asked) if reasons else [None] * len(read)
        normals = (embedded @ asked.normal).tolist()
        scores = _scores(model, pixels, embedded, asked)
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


def _scores(
    model: MedFILIP,
    pixels: UInt8[np.ndarray, "N H W"],
    embedded: Float[Tensor, "N D"],
    asked: _Asked,
) -> Iterator[tuple[ClassScore, ...]]:
    """The classes of each image, the most probable first."""
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
        yield tuple(sorted(scores, key=_rank, reverse=True))


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


def _why(
    model: MedFILIP, embedded: Float[Tensor, "N D"], kb: KnowledgeBase, asked: _Asked
) -> Sequence[Reasons]:
    return explain(model, embedded, kb, asked.categories, calibration=asked.calibration)


def _ordered(reasons: Reasons, scores: Sequence[ClassScore]) -> Reasons:
    """The explanations in the order of the scores."""
    known = {one.category: one for one in reasons.classes}
    order = dict.fromkeys(score.category for score in scores)
    return replace(reasons, classes=tuple(known[category] for category in order))
