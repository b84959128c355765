"""What a checkpoint's manifest says, and where the parts of a checkpoint lie."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, field_validator

from medfilip_model.checkpoint.files import FileEntry
from medfilip_model.config import ModelConfig
from medfilip_model.errors import CheckpointError

FORMAT = "medfilip-checkpoint"
VERSION = 3
_READABLE = (1, 2, 3)  # Version 1 had no training state, version 2 no files of the text tower.
MANIFEST = "manifest.json"
# Where a run folder keeps the checkpoint of its last epoch.
LAST = Path("checkpoints") / "last"
# And that of the epoch with the best score.
BEST = Path("checkpoints") / "best"

# A folder made by ``medfilip export --to hub-folder``, whose files have the names that hubs expect.
HUB_FORMAT = "medfilip-model"
HUB_VERSION = 1
HUB_CONFIG = "config.json"
HUB_WEIGHTS = "model.safetensors"
HUB_TEXT = "text"

_Model = TypeVar("_Model", bound=BaseModel)
Part = Literal["weights", "config", "tensors", "state"]
NAMES: Mapping[Part, str] = {
    "weights": "model-{}.safetensors",
    "config": "config-{}.json",
    "tensors": "state-{}.safetensors",
    "state": "state-{}.json",
}
# What a checkpoint is; the other parts are there where training can go on from it.
NEEDED: tuple[Part, ...] = ("weights", "config")


class TextFiles(BaseModel):
    """The configuration and tokenizer of a BERT-like text tower.

    Attributes:
        folder: Its name beside the manifest.
        files: What it holds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    files: tuple[FileEntry, ...]


class Manifest(BaseModel):
    """A checkpoint's manifest.

    Attributes:
        format: `FORMAT`.
        version: Of the format.
        model: The towers.
        files: The parts.
        text: The files of a BERT-like text tower; None where it has none.
        extra: Whatever else is worth knowing: epoch, scores.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    version: int
    model: ModelConfig
    files: dict[Part, FileEntry]
    text: TextFiles | None = None
    extra: dict[str, JsonValue]

    @field_validator("files")
    @classmethod
    def _complete(cls, value: dict[Part, FileEntry]) -> dict[Part, FileEntry]:
        if missing := set(NEEDED) - value.keys():
            raise ValueError(f"lacks {', '.join(sorted(missing))}")
        return value


class HubConfig(BaseModel):
    """The config.json of a hub folder.

    Attributes:
        format: `HUB_FORMAT`.
        version: Of the format.
        model: The towers.
        weights: The file of weights.
        text: The files of a BERT-like text tower; None where it has none.
        training: The record of the run: its config and what that came to.
        extra: As in `Manifest`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    version: int
    model: ModelConfig
    weights: FileEntry
    text: TextFiles | None
    training: dict[str, JsonValue]
    extra: dict[str, JsonValue]


def read_manifest(path: Path) -> Manifest:
    """Read a checkpoint's manifest.

    Raises:
        CheckpointError: If it is none, or of a version that is not read.
    """
    content = _read(path)
    _check(path, content, FORMAT, _READABLE)
    return _parsed(Manifest, path, content)


def read_hub_config(path: Path) -> HubConfig:
    """Read the config.json of a hub folder.

    Raises:
        CheckpointError: If it is none, or of a version that is not read.
    """
    content = _read(path)
    _check(path, content, HUB_FORMAT, (HUB_VERSION,))
    return _parsed(HubConfig, path, content)


def is_hub_config(path: Path) -> bool:
    """Whether a file is the config.json of a hub folder; a run folder has one of another kind."""
    try:
        return _read(path)["format"] == HUB_FORMAT
    except (OSError, CheckpointError):
        return False


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        _ = content["format"], content["version"]
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{str(path)!r} is no manifest of a checkpoint") from error
    return content


def _check(path: Path, content: Mapping[str, Any], kind: str, readable: tuple[int, ...]) -> None:
    if content["format"] != kind or content["version"] not in readable:
        raise CheckpointError(
            f"{str(path)!r} is of format {content['format']!r} version {content['version']!r}; "
            f"this version of medfilip-model reads {kind!r} up to version {readable[-1]}"
        )


def _parsed(kind: type[_Model], path: Path, content: object) -> _Model:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise CheckpointError(f"{str(path)!r}: {where}: {fault['msg'].lower()}") from error
