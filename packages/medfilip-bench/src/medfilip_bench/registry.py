"""Name → model: one dict of lazy loaders with one return type.

A model is anything with the two methods of `ImageTextModel`; what the benchmark must know beside
them (weights' hash, image size, what it was trained on) stands in `LoadedModel`.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from iki_knowledge import Template
from jaxtyping import Float, Num
from medfilip_model.config import DataConfig, parse_config
from torch import Tensor, nn

from medfilip_bench.errors import BenchError, UnknownNameError
from medfilip_bench.files import hash_of


@runtime_checkable
class ImageTextModel(Protocol):
    """What the benchmark asks of a model; embeddings are compared by their cosine."""

    def encode_image(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N D"]:
        """Embed grey images, values 0..255, at the size that `LoadedModel.size` names."""
        ...

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "M D"]:
        """Embed texts."""
        ...


@dataclass(frozen=True)
class LoadedModel:
    """A model and what a result must say of it.

    Attributes:
        name: Folder name of its results.
        spec: What `--model` was given.
        model: The two methods.
        sha256: Hash of its weights; keys every cache.
        size: Side of the square images it takes, in pixels.
        trained_on: What it was trained on, in words.
        saw_images: Whether images of a folder trained it.
        template: Dictionary template its prompts are written in: the one it was trained with.
        normal: The text that stands for an image without findings.
    """

    name: str
    spec: str
    model: ImageTextModel
    sha256: str
    size: int
    trained_on: str
    saw_images: bool = False
    template: Template = "paper"
    normal: str = DataConfig().normal


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


def hash_weights(model: nn.Module) -> str:
    """Return the SHA-256 of a model's weights and buffers, however they were stored, as hex."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def load_run(path: str) -> LoadedModel:
    """Load a run of medfilip-train.

    Args:
        path: The run folder, a checkpoint folder of it, or its export as a hub folder.

    Raises:
        CheckpointError: If it is missing, incomplete or damaged.
    """
    from medfilip_model.checkpoint import load_checkpoint

    folder = Path(path)
    checkpoint = load_checkpoint(folder)
    data = parse_config(checkpoint.config["config"]).data
    return LoadedModel(
        name=slug(folder.resolve().name),
        spec=f"run:{path}",
        model=checkpoint.model,
        sha256=hash_weights(checkpoint.model),
        size=checkpoint.model.config.size,
        trained_on=trained_on(checkpoint.config),
        saw_images=data.folder is not None,
        template=data.template,
        normal=data.normal,
    )


def load_random(argument: str) -> LoadedModel:
    """Make the model that knows nothing.

    Args:
        argument: Nothing may follow the name.

    Raises:
        BenchError: If something does.
    """
    if argument:
        raise BenchError(f"the model 'random' takes no argument, got {argument!r}")
    return LoadedModel(
        name="random",
        spec="random",
        model=RandomModel(),
        sha256=hash_of("random-v1"),
        size=96,
        trained_on="nothing: random embeddings",
    )


MODELS: Mapping[str, str] = {
    "run:PATH": "a run folder of medfilip-train",
    "random": "random embeddings: chance level",
}
LOADERS: Mapping[str, Callable[[str], LoadedModel]] = {"run": load_run, "random": load_random}


def load(spec: str) -> LoadedModel:
    """Load a model by its name.

    Args:
        spec: ``run:PATH`` or ``random``.

    Raises:
        UnknownNameError: If the name is unknown; the message suggests near ones.
        CheckpointError: If the run cannot be loaded.
    """
    name, _, argument = spec.partition(":")
    if name not in LOADERS:
        raise UnknownNameError("model", spec, MODELS)
    return LOADERS[name](argument)


def slug(name: str) -> str:
    """Return a name that is safe as a folder name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "model"


def trained_on(record: Mapping[str, object]) -> str:
    """Say what a run was trained on.

    Args:
        record: The run's config.json: ``config`` and ``resolved``.
    """
    config, resolved = (
        cast("Mapping[str, object]", record.get(part) or {}) for part in ("config", "resolved")
    )
    data = cast("Mapping[str, object]", config.get("data") or {})
    source = "phantoms" if data.get("folder") is None else f"images of {resolved.get('images')!r}"
    findings = " with findings read from their reports" if data.get("findings") else ""
    epochs = f", {config['epochs']} epochs" if "epochs" in config else ""
    return f"{resolved.get('train', 'an unknown number of')} {source}{findings}{epochs}"
