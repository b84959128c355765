"""The three parts that a training on labels needs: what is learnt from, chosen by, judged on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.errors import NotApplicableError


@dataclass(frozen=True)
class Parts:
    """Rows of a set by the part they play; patients are in one of them only.

    Attributes:
        train: What is learnt from.
        valid: What chooses settings, steps and held-out thresholds; may be empty.
        test: What is judged.
    """

    train: list[int]
    valid: list[int]
    test: list[int]


def parts_of(data: LabelledSet, usable: Sequence[int] | None = None) -> Parts:
    """Return the parts of a set.

    Args:
        data: The set.
        usable: Rows that can play a part: those with a mask; all of them where None.

    Raises:
        NotApplicableError: If nothing is left to learn from, or nothing to judge.
    """
    kept = None if usable is None else set(usable)
    rows = {
        split: [row for row in data.rows(split) if kept is None or row in kept]
        for split in ("train", "valid", "test")
    }
    for split, words in (("train", "learn from"), ("test", "judge")):
        if not rows[split]:
            raise NotApplicableError(
                f"{data.card.id}: no image to {words}: split {split!r} is empty"
            )
    return Parts(rows["train"], rows["valid"], rows["test"])


def images_of(data: LabelledSet, rows: Sequence[int], device: str) -> Tensor:
    """Return the grey values of some images, [n, 1, H, W], on a device."""
    pixels: UInt8[np.ndarray, "n H W"] = np.array(
        data.images.pixels[np.asarray(rows, dtype=np.int64)]
    )
    return torch.from_numpy(pixels).unsqueeze(1).to(device)


def labels_of(data: LabelledSet, rows: Sequence[int]) -> Float[np.ndarray, "n C"]:
    """Return the labels of some images."""
    return data.labels[list(rows)].astype(np.float64)


def chunks(rows: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Yield rows in parts of at most a size."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
