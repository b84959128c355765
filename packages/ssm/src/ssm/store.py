"""A bank's folder on disk: one matrix, one manifest, never half written.

    embeddings-<sha256 prefix>.safetensors   named by its content, so that it is never overwritten
    manifest.json                            texts, encoder, digests, versions; written last
    .lock                                    held while a process reads or writes

The manifest always points to a matrix that is complete: killed at any moment, the folder holds
either the old bank or the new one. What does not match its digest is an error, never used.
"""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ssm.encoders import TextEncoder, check_texts
from ssm.errors import BankError, shorten

SCHEMA = 1
_MANIFEST = "manifest.json"
_BLOCK = 4096  # Texts encoded between two writes: what a killed build can lose.
_LOG = logging.getLogger("ssm")


@dataclass(frozen=True, eq=False)
class Stored:
    """What a folder holds: unique texts, one row of length 1 for each, and who encoded them."""

    texts: tuple[str, ...]
    embeddings: Float[Tensor, "U D"]
    encoder_name: str
    fingerprint: str


def read(folder: Path) -> Stored | None:
    """Read and verify a folder; None where there is no manifest.

    Raises:
        BankError: A file is missing, cut short or altered, or a newer schema wrote it.
    """
    if folder.is_file():
        raise BankError(f"{str(folder)!r} is a file, a bank is a folder")
    try:
        written = (folder / _MANIFEST).read_bytes()
        manifest = json.loads(written)
        schema = manifest["schema"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"{_MANIFEST} cannot be read ({error})") from error
    if schema != SCHEMA:
        raise BankError(f"bank {str(folder)!r} has schema {schema!r}, this version reads {SCHEMA}")
    try:
        return _read_content(folder, manifest)
    except FileNotFoundError as error:
        if (folder / _MANIFEST).read_bytes() != written:
            return read(folder)  # A writer replaced manifest and matrix between the two reads.
        raise _damaged(folder, f"{Path(error.filename).name!r} is missing") from error
    except (OSError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise _damaged(folder, f"{type(error).__name__}: {error}") from error


def _read_content(folder: Path, manifest: dict[str, Any]) -> Stored:
    """Read what a manifest promises, and hold it to its digests."""
    texts, file = tuple(manifest["texts"]), manifest["embeddings"]["file"]
    if _digest_texts(texts) != manifest["texts_sha256"]:
        raise _damaged(folder, "the texts do not match their sha256")
    matrix = (folder / file).read_bytes()
    if hashlib.sha256(matrix).hexdigest() != manifest["embeddings"]["sha256"]:
        raise _damaged(folder, f"{file!r} does not match its sha256")
    embeddings = load(matrix)["embeddings"]
    if len(embeddings) != len(texts):
        raise _damaged(folder, f"{len(texts)} texts but {len(embeddings)} vectors")
    encoder = manifest["encoder"]
    return Stored(texts, embeddings, encoder["name"], encoder["fingerprint"])


def write(folder: Path, stored: Stored) -> None:
    """Write a folder, the manifest last; what was there stays valid until then.

    Raises:
        BankError: The disk refuses (full, read-only); the old content is untouched.
    """
    matrix = save({"embeddings": stored.embeddings.detach().cpu().contiguous()})
    digest = hashlib.sha256(matrix).hexdigest()
    name = f"embeddings-{digest[:16]}.safetensors"
    manifest = {
        "schema": SCHEMA,
        "encoder": {"name": stored.encoder_name, "fingerprint": stored.fingerprint},
        "count": len(stored.texts),
        "dim": stored.embeddings.shape[1],
        "embeddings": {"file": name, "sha256": digest},
        "texts_sha256": _digest_texts(stored.texts),
        "versions": {"medfilip-ssm": version("medfilip-ssm"), "torch": str(torch.__version__)},
        "texts": stored.texts,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace(folder / name, matrix)
        _replace(folder / _MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
        for path in [*folder.glob("embeddings-*.safetensors"), *folder.glob(".*.tmp")]:
            if path.name != name:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def extend(
    folder: Path,
    texts: Sequence[str],
    encoder: TextEncoder,
    *,
    batch_size: int = 64,
    progress: bool = False,
) -> Stored:
    """Add the texts that a folder lacks, encoding only those, and return all that it holds.

    Two processes that extend the same folder at once take turns: the second finds what the first
    encoded. A long build is written every few thousand texts, and goes on from there when killed.

    Raises:
        BankError: The folder is damaged, holds another encoder's vectors, or cannot be written, or
            the encoder returns something that is no set of unit vectors.
        EncoderError: A text cannot be encoded.
    """
    unique = list(dict.fromkeys(check_texts(texts)))
    with locked(folder):
        stored = read(folder)
        if stored is None:
            empty = torch.zeros(0, encoder.dim)
            stored = Stored((), empty, encoder.name, encoder.fingerprint)
        elif stored.fingerprint != encoder.fingerprint:
            raise BankError(
                f"bank {str(folder)!r} was made by encoder {stored.encoder_name!r} "
                f"({stored.fingerprint[:12]}), not by {encoder.name!r} "
                f"({encoder.fingerprint[:12]}): use that one, or another folder"
            )
        known = set(stored.texts)
        missing = [text for text in unique if text not in known]
        for start in range(0, len(missing), _BLOCK):
            block = missing[start : start + _BLOCK]
            rows = encoder.encode(block, batch_size=batch_size, progress=progress)
            _check_rows(rows, block, encoder)
            stored = Stored(
                (*stored.texts, *block),
                torch.cat([stored.embeddings, rows]),
                encoder.name,
                encoder.fingerprint,
            )
            write(folder, stored)
    return stored


@contextlib.contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold a folder's lock, which the system releases when the process dies.

    Raises:
        BankError: The folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=1)
        except Timeout:
            _LOG.warning("waiting for another process that writes the bank %s", folder)
            lock.acquire()
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _check_rows(rows: Tensor, texts: list[str], encoder: TextEncoder) -> None:
    if rows.shape != (len(texts), encoder.dim) or rows.dtype != torch.float32:
        raise BankError(
            f"encoder {encoder.name!r} returned {rows.dtype} of shape {list(rows.shape)} for "
            f"{len(texts)} texts, expected float32 of shape [{len(texts)}, {encoder.dim}]"
        )
    lengths = rows.norm(dim=1)
    wrong = ~torch.isclose(lengths, torch.ones_like(lengths), atol=1e-3)
    if wrong.any():
        first = int(wrong.nonzero()[0, 0])
        raise BankError(
            f"encoder {encoder.name!r} returned a vector of length {float(lengths[first]):g}, not "
            f"1, for {int(wrong.sum())} of {len(texts)} texts, first {shorten(texts[first])}"
        )


def _digest_texts(texts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def _replace(path: Path, content: bytes) -> None:
    """Write under a temporary name in the same folder, then rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _damaged(folder: Path, what: str) -> BankError:
    return BankError(
        f"bank {str(folder)!r} is damaged: {what}. Delete that folder and build it again"
    )


def _unwritable(folder: Path, error: OSError) -> BankError:
    return BankError(
        f"cannot write the bank {str(folder)!r}: {error.strerror or error}. What was there is "
        "untouched; free some space, or choose another folder (cache_dir, MEDFILIP_CACHE)"
    )
