"""Atomic writes and content hashes: the two things every cache here is made of."""

import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never half.

    Args:
        path: Where to; its folder is made.
        content: Text (UTF-8) or bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def hash_of(value: object) -> str:
    """Return the SHA-256 of a value that JSON can hold, keys sorted, as hex."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array as .npy, atomically."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    write_atomic(path, stream.getvalue())
