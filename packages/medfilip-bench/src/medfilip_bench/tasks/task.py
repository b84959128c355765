"""What a task is, what it is given, and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from iki_knowledge import KnowledgeBase
from jaxtyping import Float
from medfilip_model.data import ImageSet
from medfilip_model.data.samples import labels

from medfilip_bench.features import Encoder, similarities
from medfilip_bench.protocols import Scored
from medfilip_bench.results import DataInfo, Estimate, Row, Series
from medfilip_bench.scoring import Resampling
from medfilip_bench.sets import Judge, PhantomSets, hash_images
from medfilip_bench.stats import patient_groups


@dataclass(frozen=True)
class Bench:
    """What every task is given.

    Attributes:
        encoder: The model that is scored.
        random: The random model, for the baselines.
        kb: The dictionary.
        phantoms: The phantom test sets, drawn when first asked for.
        folder: A folder of real images; None when none was named.
        judge: Which of the folder's images are judged.
        resampling: Bootstrap settings.
    """

    encoder: Encoder
    random: Encoder
    kb: KnowledgeBase
    phantoms: PhantomSets
    folder: ImageSet | None
    judge: Judge
    resampling: Resampling


@dataclass(frozen=True)
class Outcome:
    """What a task measured; `RunRecord` names the fields."""

    data: DataInfo
    metrics: dict[str, Estimate]
    rows: tuple[Row, ...]
    series: Series = field(default_factory=Series)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """A task: pinned words and the function that measures.

    Attributes:
        name: File name of its results.
        title: What a reader is shown.
        about: What is asked of the model.
        phantom: Whether its data are phantoms; else it needs a folder.
        version: Raised when the same inputs give other figures.
        run: Measures.
    """

    name: str
    title: str
    about: str
    phantom: bool
    run: Callable[[Bench], Outcome]
    version: int = 1


def score_images(
    encoder: Encoder, images: ImageSet, prompts: Sequence[Sequence[str]]
) -> Float[np.ndarray, "N C"]:
    """Return the cosine of each image with each class; a class is the mean of its texts.

    Args:
        encoder: The model.
        images: The images.
        prompts: The texts of each class.
    """
    embedded = encoder.images(images, hash_images(images))
    classes = encoder.classes(prompts)
    return similarities(embedded, classes, encoder.loaded.spec)


def scored(
    encoder: Encoder,
    images: ImageSet,
    categories: Sequence[str],
    prompts: Sequence[Sequence[str]],
    *,
    kb: KnowledgeBase | None = None,
) -> Scored:
    """Return labels, scores and patients of a set, one column a category.

    Args:
        encoder: The model.
        images: The images.
        categories: Category of each column; one may stand twice, asked in two ways.
        prompts: The texts of each column.
        kb: Dictionary, to count a finding as one of its broader categories too.
    """
    unique = list(dict.fromkeys(categories))
    columns = [unique.index(category) for category in categories]
    return Scored(
        labels=labels(images.samples, unique, kb)[:, columns].astype(np.float64),
        scores=score_images(encoder, images, prompts),
        groups=patient_groups([sample.patient_id for sample in images.samples]),
    )
