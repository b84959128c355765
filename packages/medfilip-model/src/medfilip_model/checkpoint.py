"""Checkpoints: safetensors and JSON, replaced as a whole or not at all.

A checkpoint folder holds ``model-<hash>.safetensors``, ``config-<hash>.json``, ``manifest.json``
and, where training can go on from it, ``state-<hash>.safetensors`` and ``state-<hash>.json``. Files
are named by their content and the manifest, which names them with their hashes, is replaced last,
in one step: a process killed at any moment leaves the earlier checkpoint or the new one, never half
of each. No pickle is ever read.
"""

import errno
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
from torch import Tensor

from medfilip_model.config import ModelConfig
from medfilip_model.errors import CheckpointError
from medfilip_model.model import MedFILIP

FORMAT = "medfilip-checkpoint"
VERSION = 2
_READABLE = (1, 2)  # Version 1 had no training state.
MANIFEST = "manifest.json"
# Where a run folder keeps the checkpoint of its last epoch.
LAST = Path("checkpoints") / "last"
# And that of the epoch with the best score.
BEST = Path("checkpoints") / "best"

Part = Literal["weights", "config", "tensors", "state"]
_NAMES: Mapping[Part, str] = {
    "weights": "model-{}.safetensors",
    "config": "config-{}.json",
    "tensors": "state-{}.safetensors",
    "state": "state-{}.json",
}
# What a checkpoint is; the other parts are there where training can go on from it.
_NEEDED: tuple[Part, ...] = ("weights", "config")


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
        if missing := set(_NEEDED) - value.keys():
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


@dataclass(frozen=True)
class State:
    """What training needs to go on, beside the weights.

    Attributes:
        tensors: By name: moments of the optimiser, states of random generators.
        values: JSON that refers to them.
    """

    tensors: Mapping[str, Tensor]
    values: object


def save_checkpoint(
    folder: Path,
    model: MedFILIP,
    config: Mapping[str, object],
    extra: Mapping[str, JsonValue],
    *,
    weights: Mapping[str, Tensor] | None = None,
    state: State | None = None,
) -> None:
    """Write a checkpoint; an earlier one in the folder is replaced when the new one is complete.

    Args:
        folder: Made when missing.
        model: Its `ModelConfig` is taken, and its weights unless others are given.
        config: JSON of the whole training config, for the record.
        extra: JSON for the manifest: epoch, scores, versions.
        weights: Other weights of the same model, such as their moving average.
        state: What training needs to go on from here.

    Raises:
        CheckpointError: If the disk is full or a file cannot be written; the earlier checkpoint
            stays as it was.
    """
    chosen = model.state_dict() if weights is None else weights
    parts: dict[Part, bytes] = {"weights": _tensors(chosen), "config": _json(config)}
    if state is not None:
        parts["tensors"] = _tensors(state.tensors)
        parts["state"] = _json(state.values)
    files: dict[Part, _File] = {part: _entry(part, content) for part, content in parts.items()}
    manifest = _Manifest(
        format=FORMAT, version=VERSION, model=model.config, files=files, extra=dict(extra)
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part, content in parts.items():
            write_atomic(folder / files[part].file, content)
        write_atomic(folder / MANIFEST, _json(manifest.model_dump(mode="json")))
    except OSError as error:
        _sweep(folder, _referenced(folder))
        raise CheckpointError(
            f"cannot write a checkpoint to {str(folder)!r}: {_reason(error, parts)}; "
            "the earlier checkpoint, if there is one, is untouched"
        ) from error
    # Only now is the earlier checkpoint unreferenced.
    _sweep(folder, {entry.file for entry in files.values()})


def copy_checkpoint(source: Path, target: Path) -> None:
    """Copy a checkpoint without its training state, by hard links where the disk has them.

    Args:
        source: A checkpoint folder.
        target: Another, made when missing; what it held is replaced when the copy is complete.

    Raises:
        CheckpointError: If the source is no checkpoint or the disk is full.
    """
    manifest = _read_manifest(source / MANIFEST)
    files: dict[Part, _File] = {part: manifest.files[part] for part in _NEEDED}
    try:
        target.mkdir(parents=True, exist_ok=True)
        for entry in files.values():
            name = Path(entry.file).name
            if not (target / name).exists():
                _link(source / name, target / name)
        copied = manifest.model_copy(update={"files": files})
        write_atomic(target / MANIFEST, _json(copied.model_dump(mode="json")))
    except OSError as error:
        raise CheckpointError(
            f"cannot copy a checkpoint to {str(target)!r}: {error.strerror}"
        ) from error
    _sweep(target, {entry.file for entry in files.values()})


def remove_checkpoint(folder: Path) -> None:
    """Remove a checkpoint, its manifest first: what is left at any moment is complete or none."""
    (folder / MANIFEST).unlink(missing_ok=True)
    _sweep(folder, set())
    if not any(folder.iterdir()):
        folder.rmdir()


def load_state(folder: Path) -> State | None:
    """Read and verify the training state of a checkpoint.

    Args:
        folder: A checkpoint folder.

    Returns:
        The state, or None where the checkpoint was written without one.

    Raises:
        CheckpointError: If the checkpoint is missing or damaged.
    """
    manifest = _read_manifest(folder / MANIFEST)
    if not {"tensors", "state"} <= manifest.files.keys():
        return None
    content = _verified(folder, manifest.files["tensors"])
    values = _verified(folder, manifest.files["state"])
    try:
        return State(safetensors.torch.load(content), json.loads(values))
    except (SafetensorError, json.JSONDecodeError) as error:
        raise CheckpointError(f"the training state in {str(folder)!r} is damaged") from error


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
        model = MedFILIP(manifest.model, load=False)
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


def _entry(part: Part, content: bytes) -> _File:
    digest = hashlib.sha256(content).hexdigest()
    return _File(file=_NAMES[part].format(digest[:16]), sha256=digest, bytes=len(content))


def _tensors(values: Mapping[str, Tensor]) -> bytes:
    return safetensors.torch.save({name: value.contiguous() for name, value in values.items()})


def _reason(error: OSError, parts: Mapping[Part, bytes]) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        needed = sum(len(content) for content in parts.values()) / 2**20
        return f"no space left ({needed:.0f} MiB are needed: free some, or give another --out)"
    return error.strerror or str(error)


def _referenced(folder: Path) -> set[str]:
    try:
        return {entry.file for entry in _read_manifest(folder / MANIFEST).files.values()}
    except (OSError, CheckpointError):
        return set()


def _sweep(folder: Path, keep: set[str]) -> None:
    """Remove what no manifest refers to."""
    for pattern in ("model-*.safetensors", "config-*.json", "state-*", ".*.partial"):
        for stale in folder.glob(pattern):
            if stale.name not in keep:
                stale.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # another disk, or a file system without links
        write_atomic(target, source.read_bytes())


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
    if kind != FORMAT or version not in _READABLE:
        raise CheckpointError(
            f"{str(path)!r} is of format {kind!r} version {version!r}; "
            f"this version of medfilip-model reads {FORMAT!r} up to version {VERSION}"
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
