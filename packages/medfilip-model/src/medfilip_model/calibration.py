"""From cosines to probabilities and evidence: fitted to held-out images, kept beside the weights.

A curve (`medfilip_model.platt`) reads two numbers: how much an image resembles a text, and how much
it resembles the text of an image without findings; each less what the average held-out image does,
since some texts lie nearer to all images than others, whatever the images show. On phantoms the two
together ranked held-out images better than the first alone or their difference (README). A text
that the held-out images could teach has a curve of its own; any other takes the pooled one, which
assumes that it is as common as those of the fit are on average.

The held-out images also chose the best epoch, and are of the same source as the training images:
on other images probabilities may be off, most of all where a finding is rarer or more common.
"""

from collections.abc import Mapping, Sequence
from typing import Literal
from zlib import crc32

import numpy as np
import torch
from iki_knowledge import KnowledgeBase, Template
from jaxtyping import Float
from pydantic import JsonValue, ValidationError
from torch import Tensor

from medfilip_model.config.base import Frozen
from medfilip_model.data.samples import ImageSet, Sample, labels
from medfilip_model.encode import encode_texts
from medfilip_model.errors import CheckpointError
from medfilip_model.model import MedFILIP
from medfilip_model.platt import Curve, calibration_error, fit_curve
from medfilip_model.presence import ask, entity_queries
from medfilip_model.statements.fit import StatementFit
from medfilip_model.statements.learn import learn_statements
from medfilip_model.zeroshot import encode_classes

# Where the manifest of a checkpoint keeps it.
KEY = "calibration"
# Whose curve a score was read from.
Source = Literal["own", "pooled"]
# Digits of a cosine that matter; the manifest stays short.
_DIGITS = 6
# Images in memory at a time.
_PART = 1024


class Curves(Frozen):
    """A curve for each name that the held-out images could teach, and one for all others.

    Attributes:
        own: Name -> its curve.
        pooled: Through the scores of all names; None where even together they are too few.
    """

    own: Mapping[str, Curve]
    pooled: Curve | None = None

    def of(self, name: str) -> tuple[Curve | None, Source | None]:
        """The curve of a name, and whose it is."""
        if name in self.own:
            return self.own[name], "own"
        return self.pooled, None if self.pooled is None else "pooled"


class Calibration(Frozen):
    """How to read the similarities of one checkpoint.

    Attributes:
        images: Held-out images that it was fitted to.
        template: Template of the classes' texts.
        normal: Text of an image without findings.
        centre: Mean embedding of the held-out images [D].
        classes: Curves of the similarity to a class's texts, by category.
        attributes: Curves of the similarity to a visual attribute's text, by attribute id.
        presence: Curves of the fusion head's logits, by category; None without such a head.
        error: Expected calibration error of `classes` when each half of the patients is read by
            the curves of the other half; None where a half is too small.
        statements: What judges stated findings (`medfilip_model.consistency`); None where the
            held-out images are too few.
    """

    images: int
    template: Template
    normal: str
    centre: tuple[float, ...]
    classes: Curves
    attributes: Curves
    presence: Curves | None = None
    error: float | None = None
    statements: StatementFit | None = None


def read_calibration(extra: Mapping[str, object]) -> Calibration | None:
    """The calibration that a checkpoint's manifest holds.

    Args:
        extra: `Checkpoint.extra`.

    Returns:
        The calibration; None where the checkpoint has none.

    Raises:
        CheckpointError: If it is no calibration of this version.
    """
    found = extra.get(KEY)
    if found is None:
        return None
    try:
        return Calibration.model_validate(found)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in (KEY, *fault["loc"]))
        raise CheckpointError(
            f"the checkpoint's manifest: {where}: {fault['msg'].lower()}; train again, or take the "
            "version of medfilip-model that wrote it"
        ) from error


def as_json(calibration: Calibration | None) -> dict[str, JsonValue]:
    """What the manifest of a checkpoint holds of it; empty for None."""
    return {} if calibration is None else {KEY: calibration.model_dump(mode="json")}


def centred(
    images: Float[Tensor, "N D"], texts: Float[Tensor, "T D"], centre: Float[Tensor, " D"]
) -> Float[np.ndarray, "N T"]:
    """Cosines of images and texts, less what the average image has: what the curves read.

    Args:
        images: Unit vectors.
        texts: Unit vectors.
        centre: Mean embedding of the held-out images.
    """
    return ((images - centre) @ texts.T).numpy()


def fit_calibration(
    model: MedFILIP,
    images: ImageSet,
    rows: Sequence[int],
    embedded: Float[Tensor, "N D"],
    prompts: Mapping[str, Sequence[str]],
    kb: KnowledgeBase,
    *,
    normal: str,
    template: Template = "paper",
) -> Calibration | None:
    """Fit the curves of a model to held-out images.

    Args:
        model: The model.
        images: Images with known findings.
        rows: The held-out ones.
        embedded: Their embeddings, from `embed_rows`.
        prompts: Category -> texts, from `class_prompts`: the classes to fit.
        kb: Dictionary.
        normal: Text of an image without findings.
        template: Template of the prompts.

    Returns:
        The calibration; None where the held-out images are too few for a single curve.
    """
    samples, categories = [images.samples[row] for row in rows], list(prompts)
    # Weights that are no numbers are told of where they are saved.
    if not samples or not bool(embedded.isfinite().all()):
        return None
    centre = _rounded(embedded.mean(dim=0))
    none = centred(embedded, encode_texts(model, [normal]), centre)[:, 0]
    scores = centred(embedded, encode_classes(model, prompts), centre)
    known = labels(samples, categories, kb)
    classes = fit_curves(categories, scores, known, none)
    if classes.pooled is None:
        return None
    names, shown = attribute_labels(samples, categories, kb)
    phrases = {attribute.id: attribute.text for attribute in kb.attributes}
    texts = encode_texts(model, [phrases[name] for name in names])
    presence = None
    if model.fusion is not None:
        presence = fit_curves(categories, _logits(model, images, rows, categories, kb), known)
    return Calibration(
        images=len(samples),
        template=template,
        normal=normal,
        centre=tuple(centre.tolist()),
        classes=classes,
        attributes=fit_curves(names, centred(embedded, texts, centre), shown, none),
        presence=presence,
        error=_crossed_error(categories, scores, known, none, samples),
        statements=learn_statements(
            model, images, rows, embedded, kb, template=template, normal=normal
        ),
    )


def fit_curves(
    names: Sequence[str],
    scores: Float[np.ndarray, "N C"],
    known: Float[np.ndarray, "N C"],
    normal: Float[np.ndarray, " N"] | None = None,
) -> Curves:
    """A curve for each column that has enough of both kinds, and one through all columns.

    Args:
        names: C names.
        scores: One column a name.
        known: 1, 0 or NaN.
        normal: The score of the text of an image without findings.
    """
    fitted = {name: fit_curve(scores[:, c], known[:, c], normal) for c, name in enumerate(names)}
    own = {name: curve for name, curve in fitted.items() if curve is not None}
    beside = None if normal is None else normal.repeat(len(names))
    return Curves(own=own, pooled=fit_curve(scores.ravel(), known.ravel(), beside))


def attribute_labels(
    samples: Sequence[Sample], categories: Sequence[str], kb: KnowledgeBase
) -> tuple[tuple[str, ...], Float[np.ndarray, "N A"]]:
    """Which visual attributes images show, as their findings tell.

    An image shows the attributes of the categories that it shows; those of doubtful categories
    alone are not known. Categories beyond the given ones count for nothing: nobody looked for them.

    Args:
        samples: N samples.
        categories: Category ids whose presence is known.
        kb: Dictionary.

    Returns:
        Ids of the attributes of these categories, and 1, 0 or NaN of each image.
    """
    owned = {name for category in categories for name in kb[category].attributes}
    names = tuple(attribute.id for attribute in kb.attributes if attribute.id in owned)
    shows = np.array([[name in kb[c].attributes for name in names] for c in categories], dtype=int)
    known = labels(samples, categories, kb)
    present, doubtful = (known == 1).astype(int) @ shows, np.isnan(known).astype(int) @ shows
    table = np.where(present > 0, 1.0, np.where(doubtful > 0, np.nan, 0.0))
    return names, table.astype(np.float32)


def _logits(
    model: MedFILIP,
    images: ImageSet,
    rows: Sequence[int],
    categories: Sequence[str],
    kb: KnowledgeBase,
) -> Float[np.ndarray, "N K"]:
    queries = entity_queries(model, categories, kb)
    parts = np.array_split(np.asarray(rows, dtype=np.int64), -(-len(rows) // _PART))
    return torch.cat([ask(model, images.pixels[part], queries).presence for part in parts]).numpy()


def _crossed_error(
    names: Sequence[str],
    scores: Float[np.ndarray, "N C"],
    known: Float[np.ndarray, "N C"],
    normal: Float[np.ndarray, " N"],
    samples: Sequence[Sample],
) -> float | None:
    """Calibration error of each half of the patients by the curves of the other."""
    half = np.array([crc32(sample.patient_id.encode()) & 1 for sample in samples], dtype=bool)
    stated, truth = [np.zeros(0)], [np.zeros(0)]
    for judged in (half, ~half):
        curves = fit_curves(names, scores[~judged], known[~judged], normal[~judged])
        for c, name in enumerate(names):
            curve, _ = curves.of(name)
            if curve is None:
                return None
            stated.append(curve.probability(scores[judged, c], normal[judged]))
            truth.append(known[judged, c])
    return calibration_error(np.concatenate(stated), np.concatenate(truth))


def _rounded(values: Float[Tensor, " D"]) -> Float[Tensor, " D"]:
    """As the manifest keeps them: what is fitted here is what is read there."""
    return torch.tensor([round(value, _DIGITS) for value in values.tolist()])
