"""Where in an image a model finds a class.

Three kinds of map. ``attention``: where the fusion head's query for the class looked, as a multiple
of looking everywhere alike. ``similarity``: how much more each place alone resembles the class
than it resembles an image without findings, from the dual encoder. ``occlusion``: how much less the
whole image resembles the class, against the same text, when the place is hidden (Zeiler and Fergus
2014); it needs nothing of the tower, costs some eighty passes, and pointed at the finding twice as
often as the similarity of places, which in a deep tower see most of the image (README). Above its
`floor` a map speaks for the class; a class that an image does not show may have no such place.

A feature map is coarse (3 x 3 for 96 pixels at a stride of 32). So for the first two kinds the
image is read several times, shifted by parts of a stride, and the maps are put between each other
("shift and stitch", Long et al. 2015): finer steps of the same receptive fields, without any
retraining.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from iki_knowledge import KnowledgeBase, Template
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from medfilip_model.config import DataConfig
from medfilip_model.encode import encode_texts, evaluating
from medfilip_model.errors import ConfigError
from medfilip_model.grounding import upsample
from medfilip_model.model import MedFILIP
from medfilip_model.presence import entity_queries
from medfilip_model.zeroshot import class_prompts, encode_classes

Kind = Literal["attention", "similarity", "occlusion"]
# Below it a map does not speak for its class.
FLOORS: Mapping[Kind, float] = {"attention": 1.0, "similarity": 0.0, "occlusion": 0.0}
# Images at a time, each of them read tens of times.
_BATCH = 16
# Cells an axis of an occlusion map.
_CELLS = 8
# [n, 1, S, S] -> one map for each image and class
_Reader = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Heatmaps:
    """Maps of some images and classes.

    Attributes:
        kind: What the values are.
        categories: K category ids.
        values: A map of the model's input size for each image and class.
        floor: Value above which a place speaks for the class.
    """

    kind: Kind
    categories: tuple[str, ...]
    values: Float[np.ndarray, "N K S S"]
    floor: float


def heatmap(
    model: MedFILIP,
    pixels: UInt8[np.ndarray, "N S S"],
    kb: KnowledgeBase,
    categories: Sequence[str],
    *,
    kind: Kind | None = None,
    steps: int = 4,
    normal: str | None = None,
    template: Template = "paper",
) -> Heatmaps:
    """Map where images show classes.

    Args:
        model: The model.
        pixels: Grey values of the model's input size (`medfilip_model.data.decode.load_image`).
        kb: Dictionary.
        categories: K category ids, seen in training or not.
        kind: Which map; None: attention where the model has a fusion head, else occlusion.
        steps: Shifts a stride and axis, but for occlusion; 1 reads each image once.
        normal: Text of an image without findings; None: the one that training uses by default.
        template: Template of the classes' texts.

    Returns:
        The maps.

    Raises:
        ConfigError: If attention is asked of a model without a fusion head.
        UnknownCategoryError: For a category that the dictionary lacks.
    """
    kind = kind or ("occlusion" if model.fusion is None else "attention")
    size = model.config.size
    parts = [np.zeros((0, len(categories), size, size), np.float32)]
    with evaluating(model):
        if kind == "attention":
            read = _attention(model, kb, categories)
        else:
            texts = encode_classes(model, class_prompts(kb, categories, template))
            apart = texts - encode_texts(model, [normal or DataConfig().normal])
            read = _PLACES[kind](model, apart.to(model.device))
        for start in range(0, len(pixels), _BATCH):
            images = torch.from_numpy(np.array(pixels[start : start + _BATCH])).unsqueeze(1)
            images = images.to(model.device)
            maps = read(images) if kind == "occlusion" else stitch(read, images, steps)
            parts.append(upsample(maps, size).float().cpu().numpy())
    return Heatmaps(kind, tuple(categories), np.concatenate(parts), FLOORS[kind])


def stitch(
    read: Callable[[Tensor], Tensor], images: Tensor, steps: int
) -> Float[Tensor, "N K h w"]:
    """Read images shifted by parts of a stride and put the maps between each other.

    What moves in from outside repeats the border.

    Args:
        read: [N, 1, S, S] -> maps [N, K, h, w].
        images: Square images.
        steps: Shifts an axis; the maps get this many times finer.

    Returns:
        Maps of `steps` times the height and width.
    """
    first = read(images)
    if steps <= 1:
        return first
    size, (height, width) = images.shape[-1], first.shape[-2:]
    fine = first.new_zeros((*first.shape[:2], height * steps, width * steps))
    for row in range(steps):
        for column in range(steps):
            down, across = (
                _shift(at, steps, size / n) for at, n in ((row, height), (column, width))
            )
            fine[..., row::steps, column::steps] = read(_moved(images, down, across))
    return fine


def _shift(step: int, steps: int, stride: float) -> int:
    """How far to look past a location's own centre: shifts lie evenly around none."""
    return round(((step + 0.5) / steps - 0.5) * stride)


def _moved(images: Tensor, down: int, across: int) -> Tensor:
    """What an image shows `down` and `across` pixels further on."""
    size, margin = images.shape[-1], max(abs(down), abs(across))
    wide = functional.pad(images.float(), (margin,) * 4, mode="replicate")
    top, left = margin + down, margin + across
    return wide[..., top : top + size, left : left + size]


def _attention(model: MedFILIP, kb: KnowledgeBase, categories: Sequence[str]) -> _Reader:
    head = model.fusion
    if head is None:
        raise ConfigError(
            "the model has no fusion head, so no attention: take kind='similarity', "
            "or train with --recipe fusion"
        )
    queries = entity_queries(model, categories, kb).to(model.device)

    def read(images: Tensor) -> Tensor:
        maps = head(model.encode_map(images), queries, need_attention=True).attention
        assert maps is not None
        return maps * (maps.shape[-2] * maps.shape[-1])

    return read


def _similarity(model: MedFILIP, apart: Float[Tensor, "K D"]) -> _Reader:
    def read(images: Tensor) -> Tensor:
        return torch.einsum("ndhw,kd->nkhw", model.locate(images).float(), apart)

    return read


def _occlusion(model: MedFILIP, apart: Float[Tensor, "K D"]) -> _Reader:
    def resemblance(images: Tensor) -> Tensor:
        return model.encode_image(images) @ apart.T

    return lambda images: occlude(resemblance, images)


def occlude(
    score: Callable[[Tensor], Tensor], images: Tensor, cells: int = _CELLS
) -> Float[Tensor, "N K cells cells"]:
    """How much less images score when a place is hidden.

    A window of two by two cells gets the mean grey of its image; a cell is the mean of the four
    windows that hold it.

    Args:
        score: [N, 1, S, S] -> [N, K].
        images: Square images.
        cells: How many an axis.

    Returns:
        Maps.
    """
    whole, size = images.float(), images.shape[-1]
    mean, before = whole.mean(dim=(2, 3), keepdim=True), score(whole)
    lost = before.new_zeros((*before.shape, cells + 1, cells + 1))
    # From half a window outside, so that the border is hidden as often as the middle.
    for row in range(cells + 1):
        for column in range(cells + 1):
            rows, columns = (slice(*_window(at, size / cells, size)) for at in (row, column))
            hidden = whole.clone()
            hidden[..., rows, columns] = mean
            lost[..., row, column] = before - score(hidden)
    return functional.avg_pool2d(lost, 2, stride=1)


def _window(at: int, stride: float, size: int) -> tuple[int, int]:
    """The window around a corner of cells, within the image."""
    return max(0, round((at - 1) * stride)), min(size, round((at + 1) * stride))


_PLACES: Mapping[Literal["similarity", "occlusion"], Callable[[MedFILIP, Tensor], _Reader]] = {
    "similarity": _similarity,
    "occlusion": _occlusion,
}
