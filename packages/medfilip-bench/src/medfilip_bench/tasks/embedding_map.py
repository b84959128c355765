"""Image and text embeddings in one plane, for a look at what a model keeps apart."""

import numpy as np
from jaxtyping import Float
from medfilip_model.data.samples import Split
from sklearn.manifold import TSNE

from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.features import Encoder
from medfilip_bench.models.base import ImageTextModel
from medfilip_bench.series import Spot
from medfilip_bench.tasks.prompting import Texts

# Points of a figure that can still be read.
_IMAGES = 300
_PERPLEXITY = 30.0


def embedding_map(
    encoder: Encoder, data: LabelledSet, split: Split, texts: list[Texts]
) -> tuple[Spot, ...]:
    """Lay out images and class texts by t-SNE of their cosines.

    Images and texts lie in two cones of the space (the modality gap); each kind is centred on its
    own mean first, so that the plane shows classes rather than the gap.

    Args:
        encoder: The model; one without embeddings of texts has no map.
        data: The set.
        split: Which of its images; those of exactly one class are drawn, every class as often.
        texts: The texts of each class.

    Returns:
        A spot for each image and class; none where there is nothing to lay out.
    """
    if not isinstance(encoder.loaded.model, ImageTextModel):
        return ()
    rows = np.array(data.rows(split), dtype=np.int64)
    shown = data.labels[rows] == 1
    chosen = _even(shown, max(1, _IMAGES // max(1, len(data.classes))))
    if len(chosen) <= _PERPLEXITY:
        return ()
    images = encoder.embed(data, split)[chosen]
    classes = encoder.classes(texts)
    if images.shape[1] != classes.shape[1]:
        return ()
    points = np.concatenate([images - images.mean(axis=0), classes - classes.mean(axis=0)])
    plane = _plane(points)
    spots = [
        Spot(
            x=x,
            y=y,
            kind="image",
            label=data.classes[c].category,
            sub=data.classes[c].severity or _grade(data, int(rows[row]), data.classes[c].category),
        )
        for (x, y), row, c in zip(plane, chosen, shown[chosen].argmax(axis=1), strict=False)
    ]
    spots += [
        Spot(x=x, y=y, kind="text", label=c.category, sub=c.severity)
        for (x, y), c in zip(plane[len(chosen) :], data.classes, strict=True)
    ]
    return tuple(spots)


def _even(shown: np.ndarray, each: int) -> list[int]:
    """Rows of images with exactly one class, at most so many of each class."""
    alone = shown.sum(axis=1) == 1
    return [
        int(row)
        for c in range(shown.shape[1])
        for row in np.flatnonzero(alone & shown[:, c])[:each]
    ]


def _grade(data: LabelledSet, row: int, category: str) -> str | None:
    """The severity of an image's finding, where it is known."""
    present = data.images.samples[row].present
    return next((f.severity for f in present if f.category == category), None)


def _plane(points: Float[np.ndarray, "n D"]) -> list[tuple[float, float]]:
    """Lay points out, scaled to [0, 1] on both axes, two decimals more than a figure needs."""
    plane = TSNE(
        perplexity=_PERPLEXITY, metric="cosine", init="random", random_state=0
    ).fit_transform(points)
    low, high = plane.min(axis=0), plane.max(axis=0)
    scaled = (plane - low) / np.maximum(high - low, 1e-12)
    return [(round(float(x), 4), round(float(y), 4)) for x, y in scaled]
