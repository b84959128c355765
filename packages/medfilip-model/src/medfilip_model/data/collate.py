"""Rows of an image set → one batch: images, the texts of their findings, and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from iki_knowledge import KnowledgeBase, Template
from jaxtyping import Int, UInt8
from torch import Tensor

from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.errors import DataError


@dataclass(frozen=True)
class TextTable:
    """The unique texts of a training set and which row has which.

    Attributes:
        texts: Unique texts.
        groups: Category of each text, for a mask within categories.
        rows: Row of the image set -> positions in `texts`; rows of which nothing certain is known
            are missing.
    """

    texts: tuple[str, ...]
    groups: tuple[str, ...]
    rows: dict[int, tuple[int, ...]]


class Batch(NamedTuple):
    """N images and the M texts of their findings.

    Attributes:
        images: [N, 1, H, W] grey values.
        text: [M] positions in the table's texts.
        owner: [M] the image of the batch that each text belongs to, ascending.
    """

    images: UInt8[Tensor, "N 1 H W"]
    text: Int[Tensor, " M"]
    owner: Int[Tensor, " M"]


def build_texts(
    images: ImageSet, rows: Sequence[int], kb: KnowledgeBase, *, template: Template, normal: str
) -> TextTable:
    """Turn the findings of some rows into texts.

    Each affirmed finding of an image is a text of its own (the paper's decoupled labels). An image
    without any finding gets the text `normal`: ours, since the paper lists positives only, which
    would leave such an image without a target: no softmax row, and nothing in the batch
    that says what it shows rather than what it does not. A row with doubtful findings alone is
    neither normal nor positive and is left out.

    Args:
        images: The images.
        rows: Rows to use.
        kb: Dictionary.
        template: Template of `KnowledgeBase.text`.
        normal: Text of an image without findings.

    Returns:
        The table.

    Raises:
        DataError: If no row has a finding.
    """
    positions: dict[str, int] = {}
    groups: list[str] = []
    table: dict[int, tuple[int, ...]] = {}
    for row in rows:
        pairs = dict(_texts(images.samples[row], kb, template, normal))
        for text, group in pairs.items():
            if text not in positions:
                positions[text] = len(positions)
                groups.append(group)
        if pairs:
            table[row] = tuple(positions[text] for text in pairs)
    if not set(positions) - {normal}:
        raise DataError(
            f"none of the {len(rows)} training images has a finding: there is nothing to learn"
        )
    return TextTable(tuple(positions), tuple(groups), table)


def _texts(
    sample: Sample, kb: KnowledgeBase, template: Template, normal: str
) -> list[tuple[str, str]]:
    if sample.normal:
        return [(normal, "")]
    return [(kb.text(finding, template), finding.category) for finding in sample.present]


def collate(rows: Sequence[int], images: ImageSet, table: TextTable) -> Batch:
    """Gather one batch.

    Args:
        rows: Rows of `images` that `table` knows.
        images: The images.
        table: Their texts.

    Returns:
        The batch; ``owner`` counts positions in `rows`.
    """
    texts = [table.rows[row] for row in rows]
    owner = np.repeat(np.arange(len(rows)), [len(own) for own in texts])
    return Batch(
        images=torch.from_numpy(images.pixels[np.asarray(rows)]).unsqueeze(1),
        text=torch.tensor([position for own in texts for position in own]),
        owner=torch.from_numpy(owner),
    )
