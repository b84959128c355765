"""What a model is to the benchmark: what it can do, and what a result must say of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from iki_knowledge import KnowledgeBase, Template
from jaxtyping import Float, Num, UInt8
from medfilip_model.config import DataConfig
from torch import Tensor, nn

Ability = Literal["texts", "images", "backbone"]


@runtime_checkable
class ImageEncoder(Protocol):
    """A model that embeds images; enough for probes."""

    def encode_image(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N D"]:
        """Embed grey images, values 0..255, at the size that `LoadedModel.size` names."""
        ...


@runtime_checkable
class ImageTextModel(ImageEncoder, Protocol):
    """What the benchmark asks of an image-text model; embeddings are compared by their cosine."""

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "M D"]:
        """Embed texts."""
        ...


@runtime_checkable
class TextScorer(ImageEncoder, Protocol):
    """A model whose score of image and text is no cosine: a decoder with text queries."""

    def score_texts(
        self, images: Num[Tensor, "N 1 H W"], texts: Sequence[str]
    ) -> Float[Tensor, "N M"]:
        """Score each image against each text; higher means that the image fits it better."""
        ...


@runtime_checkable
class Supervised(ImageEncoder, Protocol):
    """A classifier with classes of its own: a reference, not a zero-shot model."""

    @property
    def categories(self) -> tuple[str | None, ...]:
        """Category of the dictionary of each output; None for outputs that have none."""
        ...

    def score_classes(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N K"]:
        """Score each class of its own."""
        ...


@dataclass(frozen=True)
class Backbone:
    """An image encoder as fine-tuning and segmentation take it: trainable, a copy of its own.

    Attributes:
        module: Grey images [N, 1, S, S], values 0..255 -> tuple of feature maps, finest first. It
            standardises the pixels itself, as its weights want them.
        channels: Channels of each map.
        strides: Pixels a location of each map.
    """

    module: nn.Module
    channels: tuple[int, ...]
    strides: tuple[int, ...]


Heatmap = Callable[
    [UInt8[np.ndarray, "N S S"], Sequence[str], KnowledgeBase], Float[np.ndarray, "N K S S"]
]


@dataclass(frozen=True)
class LoadedModel:
    """A model and what a result must say of it.

    Attributes:
        name: Folder name of its results.
        spec: What ``--model`` was given.
        model: What it can do: `ImageTextModel`, `TextScorer`, `Supervised` or `ImageEncoder`.
        sha256: Hash of its weights; keys every cache.
        size: Side of the square images it takes, in pixels.
        trained_on: What it was trained on, in words.
        saw_images: Whether images of a folder trained it.
        saw: Folders or prepared sets that it was trained on, as its run names them.
        template: Dictionary template its prompts are written in; None: the paper's prompt for
            baselines, "This is an X-ray image of {category}."
        normal: The text that stands for an image without findings.
        backbone: Makes a fresh copy of its image encoder for training; None where it has none.
        heatmap: Where it looks for categories; None: by occlusion.
        heatmap_kind: What the heatmap is: ``attention``, ``occlusion``.
        device: Where it runs: ``cpu``, ``cuda:0``.
    """

    name: str
    spec: str
    model: ImageEncoder
    sha256: str
    size: int
    trained_on: str
    saw_images: bool = False
    saw: tuple[str, ...] = ()
    template: Template | None = "paper"
    normal: str = DataConfig().normal
    backbone: Callable[[], Backbone] | None = None
    heatmap: Heatmap | None = None
    heatmap_kind: str = "occlusion"
    device: str = "cpu"

    @property
    def abilities(self) -> frozenset[Ability]:
        """What tasks may ask of it."""
        found: set[Ability] = {"images"}
        if isinstance(self.model, (ImageTextModel, TextScorer, Supervised)):
            found.add("texts")
        if self.backbone is not None:
            found.add("backbone")
        return frozenset(found)
