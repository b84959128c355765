"""What an exported program needs beside itself: sizes, scale, the record of its training."""

import re
from collections.abc import Mapping
from pathlib import PurePath, PureWindowsPath
from typing import Any, cast

from medfilip_model.checkpoint import Checkpoint
from medfilip_model.config import ModelConfig

# A path from a root, with the prefix that a setting of weights may have.
_ROOTED = re.compile(r"(?P<prefix>ordered:)?(?P<path>(/|~|[A-Za-z]:[\\/]).*)", re.DOTALL)
# Names of image files, which may be those of patients.
_PRIVATE = frozenset({"skipped_files"})


def published(value: object) -> Any:  # noqa: ANN401 - JSON in, the same JSON out
    """Take out of a record what concerns nobody elsewhere: places on this machine, file names.

    Args:
        value: JSON.

    Returns:
        The same, with the last part of each absolute path in place of it, and without the names of
        the images that were skipped.
    """
    if isinstance(value, Mapping):
        entries = cast(Mapping[str, object], value)
        return {key: published(inner) for key, inner in entries.items() if key not in _PRIVATE}
    if isinstance(value, list | tuple):
        return [published(inner) for inner in cast(list[object], value)]
    if isinstance(value, str) and (found := _ROOTED.fullmatch(value)):
        kind = PurePath if found["path"].startswith(("/", "~")) else PureWindowsPath
        return f"{found['prefix'] or ''}{kind(found['path']).name}"
    return value


def published_model(config: ModelConfig) -> ModelConfig:
    """A model's config without places on this machine."""
    return ModelConfig.model_validate(published(config.model_dump(mode="json")))


def describe(checkpoint: Checkpoint) -> dict[str, object]:
    """What a program that runs the encoders without this package has to know.

    Returns:
        The content of model.json.
    """
    model = checkpoint.model
    config = published_model(model.config)
    return {
        "format": "medfilip-programs",
        "version": 1,
        "image": {
            "input": "pixels",
            "shape": ["images", 1, config.size, config.size],
            "type": "float32",
            "values": "grey on any scale; each image is standardised inside",
            "resize": "short side to the size with antialiasing, then the centre square",
            "output": "image_vectors",
        },
        "text": {
            "input": "tokens",
            "shape": ["texts", "tokens"],
            "type": "int64",
            "tokenizer": "tokenizer.json",
            "longest": config.text.context,
            "padding": model.tokenizer.pad,
            "output": "text_vectors",
        },
        "score": "cosine: image_vectors @ text_vectors.T; both are unit vectors",
        "embed": config.embed,
        "logit_scale": float(model.logit_scale.detach()),
        "model": config.model_dump(mode="json"),
        "extra": published(checkpoint.extra),
    }
