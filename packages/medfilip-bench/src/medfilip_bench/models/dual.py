"""Two towers behind the two methods that the benchmark asks for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, Num
from torch import Tensor, nn

# Texts at a time: a long list of prompts would not fit beside a large model.
_TEXTS = 64
Tokens = Mapping[str, Tensor]


class DualEncoder(nn.Module):
    """An image tower and a text tower of any library.

    Attributes:
        network: Both towers.
        standardise: Grey values 0..255 -> what the image tower's weights want.
    """

    def __init__(
        self,
        network: nn.Module,
        standardise: nn.Module,
        *,
        see: Callable[[Any, Tensor], Tensor],
        split: Callable[[list[str]], Tokens],
        read: Callable[[Any, Tokens], Tensor],
    ) -> None:
        """Take a network and how it is asked.

        Args:
            network: Both towers.
            standardise: Grey values -> pixels.
            see: Network, pixels -> embeddings of images.
            split: Texts -> tokens, on the CPU.
            read: Network, tokens -> embeddings of texts.
        """
        super().__init__()
        self.network = network
        self.standardise = standardise
        self._see, self._split, self._read = see, split, read

    def encode_image(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N D"]:
        """Embed grey images, values 0..255, on the device of the weights."""
        return self._see(self.network, self.standardise(images.to(self.device))).float()

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "M D"]:
        """Embed texts; what exceeds the longest text that the model reads is cut."""
        parts = [
            self._read(self.network, self._tokens(list(texts[start : start + _TEXTS])))
            for start in range(0, len(texts), _TEXTS)
        ]
        return torch.cat(parts).float() if parts else torch.zeros((0, 1), device=self.device)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    def _tokens(self, texts: list[str]) -> Tokens:
        return {name: value.to(self.device) for name, value in self._split(texts).items()}
