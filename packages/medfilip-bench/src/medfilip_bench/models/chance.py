"""The model that knows nothing."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor

from medfilip_bench.errors import ModelError
from medfilip_bench.files import hash_of
from medfilip_bench.models.base import LoadedModel


class RandomModel:
    """Unit vectors drawn from the content alone: chance level, the same on every machine.

    Equal images (or texts) get equal vectors; different ones get unrelated vectors.
    """

    def __init__(self, dim: int = 128) -> None:
        """Choose the number of dimensions D."""
        self.dim = dim

    def encode_image(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N D"]:
        """Draw a vector for each image from the hash of its pixels."""
        pixels = images.to(torch.uint8).cpu().numpy()
        return self._draw([image.tobytes() for image in pixels])

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "M D"]:
        """Draw a vector for each text from its hash."""
        return self._draw([text.encode("utf-8") for text in texts])

    def _draw(self, contents: Sequence[bytes]) -> Float[Tensor, "N D"]:
        out = np.zeros((len(contents), self.dim), dtype=np.float32)
        for row, content in enumerate(contents):
            seed = int.from_bytes(hashlib.sha256(content).digest()[:8], "little")
            vector = np.random.default_rng(seed).standard_normal(self.dim)
            out[row] = vector / np.linalg.norm(vector)
        return torch.from_numpy(out)


def load_random(argument: str, device: str) -> LoadedModel:
    """Make the model that knows nothing.

    Args:
        argument: Nothing may follow the name.
        device: Of no matter: it draws on the CPU.

    Raises:
        ModelError: If something follows the name.
    """
    del device
    if argument:
        raise ModelError(f"the model 'random' takes no argument, got {argument!r}")
    return LoadedModel(
        name="random",
        spec="random",
        model=RandomModel(),
        sha256=hash_of("random-v1"),
        size=96,
        trained_on="nothing: random embeddings",
    )
