"""Encode once: image features cached by the weights' hash and the images' hash."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from medfilip_model.data import ImageSet
from medfilip_model.progress import Listener, Silent
from torch.nn import functional

from medfilip_bench.errors import ModelError
from medfilip_bench.files import hash_of, write_array
from medfilip_bench.provenance import code_hash
from medfilip_bench.registry import LoadedModel

EmbeddingRows = Float[np.ndarray, "N D"]


@dataclass
class Encoder:
    """A model that never encodes the same images twice.

    Attributes:
        loaded: The model.
        cache: Folder of the features.
        listener: Hears of progress.
        batch: Images at a time.
        encoded: Images that were really encoded, cache hits left out.
    """

    loaded: LoadedModel
    cache: Path
    listener: Listener = field(default_factory=Silent)
    batch: int = 128
    encoded: int = field(default=0, init=False)

    def images(self, images: ImageSet, sha256: str) -> EmbeddingRows:
        """Return unit image embeddings, from the cache where they are.

        Args:
            images: The images.
            sha256: Their hash.

        Raises:
            ModelError: If the embeddings are no finite numbers.
        """
        path = self.cache / f"{hash_of([self.loaded.sha256, sha256, code_hash()])[:32]}.npy"
        if path.is_file():
            return np.load(path, allow_pickle=False)
        self.listener.start(f"encoding {images.name}", len(images.pixels), "images")
        parts: list[EmbeddingRows] = []
        with torch.inference_mode():
            for start in range(0, len(images.pixels), self.batch):
                pixels = np.array(images.pixels[start : start + self.batch])
                batch = torch.from_numpy(pixels).unsqueeze(1)
                parts.append(self._unit(self.loaded.model.encode_image(batch)))
                self.listener.advance(len(batch))
        self.encoded += len(images.pixels)
        features = np.concatenate(parts)
        write_array(path, features)
        return features

    def texts(self, texts: Sequence[str]) -> EmbeddingRows:
        """Return unit text embeddings."""
        with torch.inference_mode():
            return self._unit(self.loaded.model.encode_text(list(texts)))

    def classes(self, prompts: Sequence[Sequence[str]]) -> Float[np.ndarray, "C D"]:
        """Return one unit vector a class: the direction of the mean of its texts.

        Args:
            prompts: The texts of each class, at least one.
        """
        means = [self.texts(texts).mean(axis=0) for texts in prompts]
        return self._unit(torch.from_numpy(np.stack(means)))

    def _unit(self, embeddings: torch.Tensor) -> EmbeddingRows:
        values = functional.normalize(embeddings.float(), dim=-1).cpu().numpy()
        if not np.isfinite(values).all():
            raise ModelError(
                f"the model {self.loaded.spec!r} gives embeddings that are not finite numbers"
            )
        return values


def similarities(
    images: Float[np.ndarray, "N D"], texts: Float[np.ndarray, "M E"], spec: str
) -> Float[np.ndarray, "N M"]:
    """Return cosines of images and texts, as float64.

    Args:
        images: Unit image embeddings.
        texts: Unit text embeddings.
        spec: The model's name, for the message.

    Raises:
        ModelError: If the two towers do not end in the same space.
    """
    if images.shape[1] != texts.shape[1]:
        raise ModelError(
            f"the model {spec!r} embeds images in {images.shape[1]} dimensions and texts in "
            f"{texts.shape[1]}; both must be the same"
        )
    return images.astype(np.float64) @ texts.astype(np.float64).T
