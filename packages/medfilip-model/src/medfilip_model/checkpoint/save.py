"""Writing, copying and removing checkpoints."""

import errno
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue
from torch import Tensor

from medfilip_model.checkpoint.files import (
    FileEntry,
    entry,
    link,
    to_json,
    to_safetensors,
    write_atomic,
)
from medfilip_model.checkpoint.manifest import (
    FORMAT,
    MANIFEST,
    NAMES,
    NEEDED,
    VERSION,
    Manifest,
    Part,
    read_manifest,
)
from medfilip_model.checkpoint.text_files import describe_text, link_text, text_files, write_text
from medfilip_model.errors import CheckpointError
from medfilip_model.model import MedFILIP


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
        model: Its `ModelConfig` is taken, the files of a BERT-like text tower, and its weights
            unless others are given.
        config: JSON of the whole training config, for the record.
        extra: JSON for the manifest: epoch, scores, versions.
        weights: Other weights of the same model, such as their moving average.
        state: What training needs to go on from here.

    Raises:
        CheckpointError: If the disk is full or a file cannot be written; the earlier checkpoint
            stays as it was.
    """
    chosen = model.state_dict() if weights is None else weights
    parts: dict[Part, bytes] = {"weights": to_safetensors(chosen), "config": to_json(config)}
    if state is not None:
        parts["tensors"] = to_safetensors(state.tensors)
        parts["state"] = to_json(state.values)
    files: dict[Part, FileEntry] = {part: _entry(part, content) for part, content in parts.items()}
    texts = text_files(model.text)
    manifest = Manifest(
        format=FORMAT,
        version=VERSION,
        model=model.config,
        files=files,
        text=describe_text(texts),
        extra=dict(extra),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part, content in parts.items():
            write_atomic(folder / files[part].file, content)
        write_text(folder, manifest.text, texts)
        write_atomic(folder / MANIFEST, to_json(manifest.model_dump(mode="json")))
    except OSError as error:
        _sweep(folder, _referenced(folder))
        raise CheckpointError(
            f"cannot write a checkpoint to {str(folder)!r}: {_reason(error, parts)}; "
            "the earlier checkpoint, if there is one, is untouched"
        ) from error
    # Only now is the earlier checkpoint unreferenced.
    _sweep(folder, _names(manifest))


def copy_checkpoint(source: Path, target: Path) -> None:
    """Copy a checkpoint without its training state, by hard links where the disk has them.

    Args:
        source: A checkpoint folder.
        target: Another, made when missing; what it held is replaced when the copy is complete.

    Raises:
        CheckpointError: If the source is no checkpoint or the disk is full.
    """
    manifest = read_manifest(source / MANIFEST)
    files: dict[Part, FileEntry] = {part: manifest.files[part] for part in NEEDED}
    copied = manifest.model_copy(update={"files": files})
    try:
        target.mkdir(parents=True, exist_ok=True)
        for described in files.values():
            name = Path(described.file).name
            if not (target / name).exists():
                link(source / name, target / name)
        link_text(source, target, manifest.text)
        write_atomic(target / MANIFEST, to_json(copied.model_dump(mode="json")))
    except OSError as error:
        raise CheckpointError(
            f"cannot copy a checkpoint to {str(target)!r}: {error.strerror}"
        ) from error
    _sweep(target, _names(copied))


def remove_checkpoint(folder: Path) -> None:
    """Remove a checkpoint, its manifest first: what is left at any moment is complete or none."""
    (folder / MANIFEST).unlink(missing_ok=True)
    _sweep(folder, set())
    if not any(folder.iterdir()):
        folder.rmdir()


def _entry(part: Part, content: bytes) -> FileEntry:
    described = entry("", content)
    return described.model_copy(update={"file": NAMES[part].format(described.sha256[:16])})


def _reason(error: OSError, parts: Mapping[Part, bytes]) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        needed = sum(len(content) for content in parts.values()) / 2**20
        return f"no space left ({needed:.0f} MiB are needed: free some, or give another --out)"
    return error.strerror or str(error)


def _referenced(folder: Path) -> set[str]:
    try:
        return _names(read_manifest(folder / MANIFEST))
    except (OSError, CheckpointError):
        return set()


def _names(manifest: Manifest) -> set[str]:
    texts = set[str]() if manifest.text is None else {manifest.text.folder}
    return {described.file for described in manifest.files.values()} | texts


def _sweep(folder: Path, keep: set[str]) -> None:
    """Remove what no manifest refers to."""
    for pattern in ("model-*.safetensors", "config-*.json", "state-*", ".*.partial"):
        for stale in folder.glob(pattern):
            if stale.name not in keep:
                stale.unlink(missing_ok=True)
    for stale in folder.glob("text-*"):
        if stale.name not in keep:
            shutil.rmtree(stale, ignore_errors=True)
