"""The scores of two models, and whether they are of the same images."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from medfilip_bench.predictions import Predictions
from medfilip_bench.stats import patient_groups


@dataclass(frozen=True)
class Side:
    """One model's part of a pair.

    Attributes:
        scores: Its scores, and what they are scored against.
        thresholds: Class id -> its held-out threshold, where it has one.
    """

    scores: Predictions
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class Pair:
    """Two models on the same images.

    Attributes:
        task: Task name.
        phantom: Whether its data are phantoms.
        names: Class id -> what a reader is shown.
        first: The first model.
        second: The second.
    """

    task: str
    phantom: bool
    names: Mapping[str, str]
    first: Side
    second: Side

    @property
    def groups(self) -> Int[np.ndarray, " N"]:
        """Patient number of each image."""
        return patient_groups(self.first.scores.patients)


def unlike(first: Predictions, second: Predictions) -> str | None:
    """Return why two sets of predictions cannot be paired, or None if they can."""
    if list(first.classes) != list(second.classes):
        return f"other classes: {list(first.classes)!r} and {list(second.classes)!r}"
    if list(first.ids) != list(second.ids):
        shared = len(set(first.ids) & set(second.ids))
        return (
            f"other images: {len(first.ids)} and {len(second.ids)}, {shared} of them the same; "
            "run both models on the same data"
        )
    if list(first.patients) != list(second.patients):
        return "the images belong to other patients"
    if not np.array_equal(first.labels, second.labels, equal_nan=True):
        wrong = np.count_nonzero(
            (first.labels != second.labels) & ~(np.isnan(first.labels) & np.isnan(second.labels))
        )
        return f"{wrong} labels differ; run both models on the same version of the data"
    if (first.predicted is None) != (second.predicted is None):
        return "one chooses a single class an image, the other does not"
    return None
