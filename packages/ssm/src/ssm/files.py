"""Files of a bank folder: written whole or not at all, named by content, checked when read."""

import contextlib
import hashlib
import logging
import os
from collections.abc import Generator, Mapping
from pathlib import Path

from filelock import FileLock, Timeout
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ssm.errors import BankError

LOG = logging.getLogger("ssm")


def write_named(folder: Path, stem: str, suffix: str, content: bytes) -> str:
    """Write content under a name made of its sha256, and return that sha256.

    Whatever already has the name is replaced: it may be damaged.

    Raises:
        OSError: The disk refuses.
    """
    digest = hashlib.sha256(content).hexdigest()
    replace(folder / named(stem, digest, suffix), content)
    return digest


def read_named(folder: Path, stem: str, digest: str, suffix: str) -> bytes:
    """Read what ``write_named`` wrote.

    Raises:
        BankError: It is not what was written.
        OSError: It cannot be read.
    """
    path = folder / named(stem, digest, suffix)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise damaged(folder, f"{path.name!r} does not match its sha256")
    return content


def write_tensors(folder: Path, stem: str, tensors: Mapping[str, Float[Tensor, "..."]]) -> str:
    """Write tensors as ``write_named`` does, and return the sha256 of the file."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return write_named(folder, stem, "safetensors", save(whole))


def map_tensors(folder: Path, stem: str, digest: str) -> dict[str, Float[Tensor, "..."]]:
    """Check a file of tensors and map it into memory: pages are read when they are used.

    The mapping is private (what is written to a tensor does not reach the file) and outlives the
    deletion of the file.

    Raises:
        BankError: It is not what was written.
        OSError: It cannot be read.
    """
    path = folder / named(stem, digest, "safetensors")
    with path.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != digest:
            raise damaged(folder, f"{path.name!r} does not match its sha256")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
    except SafetensorError as error:
        raise damaged(folder, f"{path.name!r}: {error}") from error


def named(stem: str, digest: str, suffix: str) -> str:
    """File name of a content."""
    return f"{stem}-{digest[:16]}.{suffix}"


def replace(path: Path, content: bytes) -> None:
    """Write under a temporary name in the same folder, then rename.

    Raises:
        OSError: The disk refuses; nothing but a whole file ever has the name.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold a folder's lock, which the system releases when the process dies.

    Raises:
        BankError: The folder cannot be made or locked.
    """
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=1)
        except Timeout:
            LOG.warning("waiting for another process that writes the bank %s", folder)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def refusals(folder: Path) -> Generator[None]:
    """Turn what the disk refuses into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise BankError(
            f"cannot write the bank {str(folder)!r}: {error.strerror or error}. What was there is "
            "untouched; free some space, or choose another folder (cache_dir, MEDFILIP_CACHE)"
        ) from error


def damaged(folder: Path, what: str) -> BankError:
    """The error for content that is not what was written."""
    return BankError(
        f"bank {str(folder)!r} is damaged: {what}. Nothing of it is used; to encode all its texts "
        "anew, build it with rebuild=True (ssm encode --rebuild)"
    )
