"""What every data set is read into: images, labels, and what else is known of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float
from medfilip_model.data import ImageSet, PixelStore
from medfilip_model.data.samples import Split

from medfilip_bench.datasets.card import Card
from medfilip_bench.errors import DataError


@dataclass(frozen=True)
class LabelClass:
    """One column of the labels.

    Attributes:
        category: Category of the dictionary.
        name: As the data set writes it.
        severity: Severity of the dictionary, where a class is a grade of its category (MIMIC-FG).
    """

    category: str
    name: str
    severity: str | None = None

    @property
    def id(self) -> str:
        """Stable id of its row in a table."""
        return self.category if self.severity is None else f"{self.category}:{self.severity}"


@dataclass(frozen=True)
class Subject:
    """Who and how, where the data set says so; None where not.

    Attributes:
        sex: As recorded.
        age: In years.
        view: Projection as the source names it (``PA``, ``AP``).
    """

    sex: Literal["F", "M"] | None = None
    age: float | None = None
    view: str | None = None


@dataclass(frozen=True)
class Box:
    """A box around a finding, as fractions of the square image that is scored (0 left or top).

    Attributes:
        category: Category of the dictionary.
        x: Left edge.
        y: Upper edge.
        width: Width.
        height: Height.
    """

    category: str
    x: float
    y: float
    width: float
    height: float


# Values of a mask: outside, not to be judged, inside.
OUTSIDE, IGNORED, INSIDE = 0, 127, 255


@dataclass(frozen=True)
class LabelledSet:
    """A data set, or its phantom twin, as every task reads it.

    Attributes:
        card: What is pinned of it.
        phantom: Whether its images are phantoms.
        key: Hash of everything that decides images, labels and splits; keys every result.
        pixel_keys: Split -> hash of what decides the pixels of its rows, and their order; keys
            every cache of features, so that sets with the same images are encoded once.
        images: N images with ids, patients, splits and findings; pixels are read in parts.
        classes: C columns of the labels.
        labels: 1 present, 0 absent, NaN not known, [N, C].
        split_words: What the splits are, in words.
        subjects: N of them, or empty.
        boxes: Image id -> boxes; an image that is missing here was not annotated.
        masks: [N, H, W] uint8 (`OUTSIDE`, `IGNORED`, `INSIDE`), row by row as the images; None
            where there are none.
        masked: Rows that have a mask; all of them where None.
        mask_of: What the masks show: ``pneumothorax``, ``lungs``.
        notes: Beside the card's: what was found in reading.
    """

    card: Card
    phantom: bool
    key: str
    pixel_keys: Mapping[Split, str]
    images: ImageSet
    classes: tuple[LabelClass, ...]
    labels: Float[np.ndarray, "N C"]
    split_words: str
    subjects: tuple[Subject, ...] = ()
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    masks: PixelStore | None = None
    masked: tuple[int, ...] | None = None
    mask_of: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Hold the contract: one row of labels an image, one column a class.

        Raises:
            DataError: If they do not fit.
        """
        shape = (len(self.images.samples), len(self.classes))
        if self.labels.shape != shape:
            raise DataError(f"{self.card.id}: labels are {self.labels.shape}, expected {shape}")
        if self.subjects and len(self.subjects) != shape[0]:
            raise DataError(f"{self.card.id}: {len(self.subjects)} subjects, {shape[0]} images")

    @property
    def patients(self) -> tuple[str, ...]:
        """Whose each image is."""
        return tuple(sample.patient_id for sample in self.images.samples)

    def rows(self, split: Split) -> list[int]:
        """Return the rows of one split."""
        return self.images.rows(split)

    def with_classes(self, categories: Sequence[str]) -> "LabelledSet":
        """Return the same images with only some of the classes, by their ids, in the given order.

        Raises:
            DataError: If a category is no class of the set.
        """
        place = {c.id: column for column, c in enumerate(self.classes)}
        missing = [category for category in categories if category not in place]
        if missing:
            raise DataError(f"{self.card.id} has no class {missing[0]!r}; it has {sorted(place)}")
        columns = [place[category] for category in categories]
        return replace(
            self,
            classes=tuple(self.classes[c] for c in columns),
            labels=self.labels[:, columns],
        )
