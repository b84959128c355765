"""Rows of an image set → one batch: images, the texts of their findings, and whose they are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from medfilip_model.data.entities import Entities
from medfilip_model.data.samples import ImageSet
from medfilip_model.data.texts import TextTable


class Batch(NamedTuple):
    """N images and the M texts of their findings.

    Attributes:
        images: [N, 1, H, W] grey values.
        text: [M] positions in the table's texts.
        owner: [M] the image of the batch that each text belongs to, ascending.
        labels: [N, K] which entities an image shows: 1, 0, NaN not known; None without entities.
        places: [N, K, R] where it shows them, likewise.
    """

    images: UInt8[Tensor, "N 1 H W"]
    text: Int[Tensor, " M"]
    owner: Int[Tensor, " M"]
    labels: Float[Tensor, "N K"] | None = None
    places: Float[Tensor, "N K R"] | None = None


def collate(
    rows: Sequence[int],
    images: ImageSet,
    table: TextTable,
    entities: Entities | None = None,
    draws: Sequence[np.random.Generator] | None = None,
) -> Batch:
    """Gather one batch.

    Args:
        rows: Rows of `images` that `table` knows.
        images: The images.
        table: Their texts.
        entities: What a fusion head is asked for; None: nothing.
        draws: One source of randomness an image, to draw its texts from their variants; None
            takes the texts as they are.

    Returns:
        The batch; ``owner`` counts positions in `rows`.
    """
    sources = draws or [None] * len(rows)
    texts = [table.draw(row, rng) for row, rng in zip(rows, sources, strict=True)]
    owner = np.repeat(np.arange(len(rows)), [len(own) for own in texts])
    samples = [images.samples[row] for row in rows]
    return Batch(
        images=torch.from_numpy(images.pixels[np.asarray(rows, dtype=np.int64)]).unsqueeze(1),
        text=torch.tensor([position for own in texts for position in own]),
        owner=torch.from_numpy(owner),
        labels=None if entities is None else torch.from_numpy(entities.labels(samples)),
        places=None if entities is None else torch.from_numpy(entities.where(samples)),
    )
