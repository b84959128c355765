"""Files that are written whole and read back only if their hash is the one written down."""

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from medfilip_model.errors import CheckpointError


class FileEntry(BaseModel):
    """A file as a manifest names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    sha256: str
    bytes: int


def entry(name: str, content: bytes) -> FileEntry:
    """Describe a file by its content."""
    return FileEntry(file=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


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


def link(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, or a copy where the disk has no links."""
    try:
        target.hardlink_to(source)
    except OSError:  # another disk, or a file system without links
        write_atomic(target, source.read_bytes())


def read_verified(folder: Path, described: FileEntry) -> bytes:
    """Read a file and compare its hash.

    Raises:
        CheckpointError: If it cannot be read or is not what was written.
    """
    # The bare name: a manifest must not point outside its folder.
    path = folder / Path(described.file).name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {str(path)!r}: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != described.sha256:
        raise CheckpointError(
            f"{str(path)!r} is damaged: {len(content)} bytes read, {described.bytes} written, and "
            "the hash differs; train again or copy it once more"
        )
    return content


def to_json(value: object) -> bytes:
    """JSON with a line end; a number that is none is refused."""
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def to_safetensors(values: Mapping[str, Tensor]) -> bytes:
    """Tensors by name, as the content of a file."""
    return safetensors.torch.save({name: value.contiguous() for name, value in values.items()})
