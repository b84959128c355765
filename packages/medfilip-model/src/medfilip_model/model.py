"""MedFILIP's dual encoder: two towers, one space, cosine similarity (eq. 6-8)."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor, nn
from torch.nn import functional

from medfilip_model.config import ModelConfig
from medfilip_model.data.transforms import resize, standardise
from medfilip_model.towers import image_tower, text_tower, tokenize


class MedFILIP(nn.Module):
    """Image encoder, text encoder and a learned scale of their cosines.

    Attributes:
        config: Sizes and towers; with the weights it is all that a checkpoint holds.
    """

    def __init__(self, config: ModelConfig) -> None:
        """Make the towers with random weights.

        Args:
            config: Sizes and towers.

        Raises:
            ConfigError: If a tower does not exist or its sizes do not fit.
        """
        super().__init__()
        self.config = config
        self.image_tower, features = image_tower(config.image)
        self.image_norm = nn.BatchNorm1d(features) if config.image_norm else nn.Identity()
        self.image_projection = nn.Linear(features, config.embed, bias=False)
        self.text_tower = text_tower(config.text, config.embed)
        self.log_scale = nn.Parameter(torch.tensor(math.log(config.logit_scale)))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.log_scale.device

    @property
    def logit_scale(self) -> Float[Tensor, ""]:
        """The scale of the cosines in the softmax, within [1, max_logit_scale]."""
        return self.log_scale.clamp(0.0, math.log(self.config.max_logit_scale)).exp()

    def encode_image(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N D"]:
        """Embed images.

        Args:
            images: Grey values on any scale (each image is standardised) and of any size (other
                sizes than ``config.size`` are scaled and cut to it).

        Returns:
            Unit vectors in float32.
        """
        pixels = standardise(resize(images.to(self.device), self.config.size))
        return self._embed_pixels(pixels)

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "M D"]:
        """Embed texts.

        Args:
            texts: M texts; what exceeds ``config.text.context`` tokens is cut.

        Returns:
            Unit vectors in float32.
        """
        return self.encode_tokens(tokenize(texts, self.config.text.context).to(self.device))

    def encode_tokens(self, tokens: Int[Tensor, "M L"]) -> Float[Tensor, "M D"]:
        """Embed texts that `medfilip_model.towers.tokenize` has split already."""
        if not len(tokens):  # attention cannot shape an empty batch
            return torch.zeros((0, self.config.embed), device=self.device)
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
        return self.encode_image(images) @ self.encode_text(texts).T

    def forward(
        self, pixels: Float[Tensor, "N 1 H W"], tokens: Int[Tensor, "U L"]
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, "U D"], Float[Tensor, ""]]:
        """Embed a training batch in one call, so that wrappers see every parameter used.

        Args:
            pixels: Standardised images of the model's size.
            tokens: The batch's unique texts.

        Returns:
            Unit vectors of images and of texts, and the scale.
        """
        return self._embed_pixels(pixels), self.encode_tokens(tokens), self.logit_scale

    def _embed_pixels(self, pixels: Float[Tensor, "N 1 H W"]) -> Float[Tensor, "N D"]:
        # channels_last is what CPU and GPU convolutions are fastest on.
        features = self.image_tower(pixels.to(memory_format=torch.channels_last))
        return functional.normalize(
            self.image_projection(self.image_norm(features)).float(), dim=-1
        )
