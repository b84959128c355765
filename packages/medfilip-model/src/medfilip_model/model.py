"""MedFILIP's dual encoder: two towers, one space, cosine similarity (eq. 6-8)."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor, nn
from torch.nn import functional

from medfilip_model.config import ModelConfig
from medfilip_model.data.transforms import resize, standardise
from medfilip_model.towers import Tokenizer, image_tower, text_tower, tokenizer

if TYPE_CHECKING:
    from medfilip_model.fusion import FusionHead


class Embedded(NamedTuple):
    """A training batch in the common space.

    Attributes:
        images: Unit vectors in float32.
        texts: Unit vectors in float32.
        scale: Scale of their cosines in the softmax.
        map: Last feature map of the image tower, for the fusion head; None where there is none.
    """

    images: Float[Tensor, "N D"]
    texts: Float[Tensor, "U D"]
    scale: Float[Tensor, ""]
    map: Float[Tensor, "N C h w"] | None


class MedFILIP(nn.Module):
    """Image encoder, text encoder and a learned scale of their cosines.

    Attributes:
        config: Sizes and towers; with the weights it is all that a checkpoint holds.
        text: As in `config`, but that a BERT-like encoder's name is the folder it was read from.
    """

    def __init__(
        self, config: ModelConfig, *, load: bool = True, text_folder: Path | None = None
    ) -> None:
        """Make the towers, with the weights that the config names, or random ones.

        Args:
            config: Sizes and towers.
            load: Whether the weights that the config names are read; False where a checkpoint's
                follow, so that neither a hub nor a file is needed for what is replaced at once.
            text_folder: Where the configuration and tokenizer of a BERT-like text tower are, for a
                checkpoint that brings them along; None: where ``config.text.name`` says.

        Raises:
            ConfigError: If a tower does not exist, its sizes do not fit, or its weights are not to
                be had.
        """
        super().__init__()
        self.config = config
        self.image_tower = image_tower(config.image, config.size, load=load)
        features = self.image_tower.features
        self.image_norm = nn.BatchNorm1d(features) if config.image_norm else nn.Identity()
        self.image_projection = nn.Linear(features, config.embed, bias=False)
        self.text = config.text
        if text_folder is not None:
            self.text = config.text.model_copy(update={"name": str(text_folder)})
        self.text_tower = text_tower(self.text, config.embed, load=load)
        # A vector of one number: FSDP takes no scalars.
        self.log_scale = nn.Parameter(torch.tensor([math.log(config.logit_scale)]))
        self.register_load_state_dict_pre_hook(_vector_scale)
        self.fusion: FusionHead | None = self._fusion_head()

    def _fusion_head(self) -> "FusionHead | None":
        config = self.config.fusion
        if config is None:
            return None
        from medfilip_model.fusion import FusionHead

        channels = self.image_tower.channels
        return FusionHead(config, channels, self.config.embed, len(config.places))

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the text tower."""
        return tokenizer(self.text)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.log_scale.device

    @property
    def logit_scale(self) -> Float[Tensor, ""]:
        """The scale of the cosines in the softmax, within [1, max_logit_scale]."""
        return self.log_scale.squeeze(0).clamp(0.0, math.log(self.config.max_logit_scale)).exp()

    def encode_image(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N D"]:
        """Embed images.

        Args:
            images: Grey values on any scale (each image is standardised) and of any size (other
                sizes than ``config.size`` are scaled and cut to it).

        Returns:
            Unit vectors in float32.
        """
        return self._project(self.image_tower(self._pixels(images)))

    def encode_map(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N C h w"]:
        """Return the last feature map of images: what the fusion head attends to.

        Args:
            images: As in `encode_image`.

        Returns:
            The map before pooling and projection.
        """
        return self.image_tower.forward_map(self._pixels(images))

    def locate(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N D h w"]:
        """Embed each location of images alone, to be compared with texts.

        Args:
            images: As in `encode_image`.

        Returns:
            A unit vector in float32 for each location of the last feature map.
        """
        features = self.image_tower.locate(self.encode_map(images))
        flat = self._project(features.movedim(1, -1).flatten(0, 2))
        return flat.unflatten(0, (len(features), *features.shape[2:])).movedim(-1, 1)

    def _pixels(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N 1 S S"]:
        # Moved as they are, mostly bytes, and computed with on the device.
        pixels = standardise(resize(images.to(self.device), self.config.size))
        return _channels_last(pixels)

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "M D"]:
        """Embed texts.

        Args:
            texts: M texts; what exceeds ``config.text.context`` tokens is cut.

        Returns:
            Unit vectors in float32.
        """
        return self.encode_tokens(self.tokenizer(texts).to(self.device))

    def encode_tokens(self, tokens: Int[Tensor, "M L"]) -> Float[Tensor, "M D"]:
        """Embed texts that `tokenizer` has split already."""
        if not len(tokens):  # attention cannot shape an empty batch
            return torch.zeros((0, self.config.embed), device=self.device)
        # On CPUs the small products of a text tower are slower in bfloat16: 86 ms against 67.
        with torch.autocast("cpu", enabled=False):
            return functional.normalize(self.text_tower(tokens).float(), dim=-1)

    def classify(
        self, images: Num[Tensor, "N 1 H W"], texts: Sequence[str]
    ) -> Float[Tensor, "N M"]:
        """Cosine similarity of each image to each text (eq. 10): the zero-shot score.

        Args:
            images: As in `encode_image`.
            texts: E.g. one text a class, from ``KnowledgeBase.text``.

        Returns:
            Similarities in [-1, 1].
        """
        images, known = self.encode_image(images), self.encode_text(texts)
        # A product of bfloat16 numbers would tie scores that differ by less than 0.004.
        with torch.autocast(images.device.type, enabled=False):
            return images @ known.T

    def forward(self, pixels: Float[Tensor, "N 1 H W"], tokens: Int[Tensor, "U L"]) -> Embedded:
        """Embed a training batch in one call, so that wrappers see every parameter used.

        Args:
            pixels: Standardised images of the model's size.
            tokens: The batch's unique texts.

        Returns:
            Unit vectors of images and of texts, the scale, and the map of a model with fusion head.
        """
        features, grid = self.image_tower.both(_channels_last(pixels))
        return Embedded(
            self._project(features),
            self.encode_tokens(tokens),
            self.logit_scale,
            None if self.fusion is None else grid,
        )

    def _project(self, features: Float[Tensor, "N F"]) -> Float[Tensor, "N D"]:
        return functional.normalize(
            self.image_projection(self.image_norm(features)).float(), dim=-1
        )


def _vector_scale(
    _: nn.Module, weights: dict[str, Tensor], prefix: str, *__: object, **___: object
) -> None:
    """Take the scale of an earlier checkpoint, where it was a scalar."""
    scale = weights.get(f"{prefix}log_scale")
    if scale is not None and scale.ndim == 0:
        weights[f"{prefix}log_scale"] = scale.reshape(1)


def _channels_last(pixels: Float[Tensor, "N 1 H W"]) -> Float[Tensor, "N 1 H W"]:
    # What convolutions are fastest in, on CPU and GPU.
    return pixels.to(memory_format=torch.channels_last)
