"""Which split an image is in, and which images are taken where not all are wanted."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

from medfilip_model.data.samples import Split

# Shares of the patients in train and valid where a data set has no split of its own.
TRAIN, VALID = 0.70, 0.15
_Item = TypeVar("_Item")


def share(patient: str) -> float:
    """Return a number in [0, 1) that depends on the patient alone.

    It is the one that `medfilip_model.data.load_folder` divides by, so that a patient is in the
    same split however the images are read.
    """
    return int.from_bytes(hashlib.sha256(patient.encode()).digest()[:4], "big") / 2**32


def divide(patient: str) -> Split:
    """Put 70 % of the patients into train, 15 % into valid and 15 % into test."""
    place = share(patient)
    return "train" if place < TRAIN else "valid" if place < TRAIN + VALID else "test"


def divide_training(patient: str) -> Split:
    """Divide the patients of an official training split, 70 parts train to 15 valid."""
    return "train" if share(patient) < TRAIN / (TRAIN + VALID) else "valid"


def limited(
    items: Sequence[_Item],
    limit: int | None,
    seed: int,
    patient: Callable[[_Item], str],
) -> list[_Item]:
    """Draw at most so many images, patients as a whole, in their old order.

    Args:
        items: Images of one split.
        limit: How many at most; None takes all.
        seed: Of the draw.
        patient: Whose an image is.
    """
    if limit is None or len(items) <= limit:
        return list(items)
    owned: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        owned[patient(item)].append(place)
    taken: list[int] = []
    for name in sorted(owned, key=lambda n: hashlib.sha256(f"{seed} {n}".encode()).digest()):
        # A patient with many images may not fit where the next one does.
        if len(taken) + len(owned[name]) <= limit:
            taken += owned[name]
    return [items[place] for place in sorted(taken)]


def apart(
    items: Sequence[_Item], patient: Callable[[_Item], str], split: Callable[[_Item], Split]
) -> list[_Item]:
    """Leave out training and validation images of patients who are in the test split too.

    Args:
        items: Images of all splits.
        patient: Whose an image is.
        split: Where it is.
    """
    tested = {patient(item) for item in items if split(item) == "test"}
    return [item for item in items if split(item) == "test" or patient(item) not in tested]
