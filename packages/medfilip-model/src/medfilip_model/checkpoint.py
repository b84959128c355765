"""Checkpoints: safetensors and JSON, replaced as a whole or not at all.

A checkpoint folder holds ``model-<hash>.safetensors``, ``config-<hash>.json`` and
``manifest.json``. Files are named by their content and the manifest, which names them with their
hashes, is replaced last, in one step: a process killed at any moment leaves the earlier checkpoint
or the new one, never half of each. No pickle is ever read.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, field_validator
from safetensors import SafetensorError

from medfilip_model.config import ModelConfig
from medfilip_model.errors import CheckpointError
from medfilip_model.model import MedFILIP

FORMAT = "medfilip-checkpoint"
VERSION = 1
MANIFEST = "manifest.json"
# Where a run folder keeps the checkpoint of its last epoch.
LAST = Path("checkpoints") / "last"


Part = Literal["weights", "config"]
_NAMES: Mapping[Part, str] = {
    "weights": "model-{}.safetensors",
    "config": "config-{}.json",
}


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    sha256: str
    bytes: int


class _Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    version: int
    model: ModelConfig
    files: dict[Part, _File]
    extra: dict[str, JsonValue]

    @field_validator("files")
    @classmethod
    def _complete(cls, value: dict[Part, _File]) -> dict[Part, _File]:
        if missing := _NAMES.keys() - value.keys():
            raise ValueError(f"lacks {', '.join(sorted(missing))}")
        return value


@dataclass(frozen=True)
class Checkpoint:
    """A model and what was written beside it.

    Attributes:
        model: With its weights, in evaluation mode, on the CPU.
        config: The training config as written.
        extra: Whatever else the manifest says: epoch, scores, versions.
    """

    model: MedFILIP
    config: Mapping[str, object]
    extra: Mapping[str, object] = field(default_factory=dict)


def save_checkpoint(
    folder: Path, model: MedFILIP, config: Mapping[str, object], extra: Mapping[str, JsonValue]
) -> None:
    """Write a checkpoint; an earlier one in the folder is replaced when the new one is complete.

    Args:
        folder: Made when missing.
        model: Weights and `ModelConfig` are taken from it.
        config: JSON of the whole training config, for the record.
        extra: JSON for the manifest: epoch, scores, versions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    parts: dict[Part, bytes] = {
        "weights": safetensors.torch.save(weights),
        "config": _json(config),
    }
    files: dict[Part, _File] = {}
    for part, content in parts.items():
        digest = hashlib.sha256(content).hexdigest()
        name = _NAMES[part].format(digest[:16])
        write_atomic(folder / name, content)
        files[part] = _File(file=name, sha256=digest, bytes=len(content))
    manifest = _Manifest(
        format=FORMAT, version=VERSION, model=model.config, files=files, extra=dict(extra)
    )
    write_atomic(folder / MANIFEST, _json(manifest.model_dump(mode="json")))
    # Only now is the earlier checkpoint unreferenced.
    keep = {MANIFEST, *(entry.file for entry in files.values())}
    for pattern in ("model-*.safetensors", "config-*.json", ".*.partial"):
        for stale in folder.glob(pattern):
            if stale.name not in keep:
                stale.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and verify a checkpoint.

    Args:
        path: A run folder (its last checkpoint is taken) or a checkpoint folder.

    Returns:
        The model and its records.

    Raises:
        CheckpointError: If it is missing, incomplete, damaged, or no checkpoint of this package.
    """
    folder = _find(path)
    manifest = _read_manifest(folder / MANIFEST)
    weights = _verified(folder, manifest.files["weights"])
    try:
        model = MedFILIP(manifest.model)
        model.load_state_dict(safetensors.torch.load(weights))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"checkpoint {str(folder)!r} does not fit this version of medfilip-model: {reason}"
        ) from error
    config = json.loads(_verified(folder, manifest.files["config"]))
    return Checkpoint(model.eval(), config, manifest.extra)


def load_model(path: Path | str, *, device: torch.device | str = "cpu") -> MedFILIP:
    """Load a trained model.

    Args:
        path: A run folder, such as ``runs/phantom``, or a checkpoint folder.
        device: Where to put it.

    Returns:
        The model in evaluation mode.

    Raises:
        CheckpointError: If it is missing, incomplete, damaged, or no checkpoint of this package.
    """
    return load_checkpoint(Path(path)).model.to(device)


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside it, flush it to the disk, rename it."""
    partial = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def _find(path: Path) -> Path:
    if path.is_file():
        raise CheckpointError(
            f"{str(path)!r} is a file; give the run folder or the checkpoint folder "
            "(a pickled .pt or .ckpt is never loaded)"
        )
    for folder in (path, path / LAST):
        if (folder / MANIFEST).is_file():
            return folder
    state = "holds no complete checkpoint" if path.is_dir() else "does not exist"
    raise CheckpointError(f"{str(path)!r} {state}; train one with: medfilip-train --out {path}")


def _read_manifest(path: Path) -> "_Manifest":
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind, version = content["format"], content["version"]
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{str(path)!r} is no manifest of a checkpoint") from error
    if (kind, version) != (FORMAT, VERSION):
        raise CheckpointError(
            f"{str(path)!r} is of format {kind!r} version {version!r}; "
            f"this version of medfilip-model reads {FORMAT!r} version {VERSION}"
        )
    try:
        return _Manifest.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise CheckpointError(f"{str(path)!r}: {where}: {fault['msg'].lower()}") from error


def _verified(folder: Path, entry: "_File") -> bytes:
    # The bare name: a manifest must not point outside its folder.
    path = folder / Path(entry.file).name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {str(path)!r}: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise CheckpointError(
            f"{str(path)!r} is damaged: {len(content)} bytes read, {entry.bytes} written, and "
            "the hash differs; train again or copy it once more"
        )
    return content
