"""Image files → one memory-mapped array of grey values, decoded once and cached on disk."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from medfilip_model.data.decode import DECODER_VERSION, load_image
from medfilip_model.data.samples import Skipped
from medfilip_model.errors import DataError


def cache_root() -> Path:
    """Return the folder for caches: ``MEDFILIP_CACHE``, else the user's own cache folder."""
    import platformdirs

    return Path(os.environ.get("MEDFILIP_CACHE") or platformdirs.user_cache_dir("medfilip"))


def load_images(
    files: Sequence[Path], size: int, *, workers: int = 2
) -> tuple[UInt8[np.ndarray, "N H W"], dict[int, Skipped]]:
    """Decode images once; a second call with unchanged files maps the cached array.

    Args:
        files: The images.
        size: Side in pixels.
        workers: Threads that decode.

    Returns:
        The grey values of all images that could be read, in order, and what was skipped by its
        position in `files`.
    """
    folder = cache_root() / "images" / _key(files, size)
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        _decode_into(folder, files, size, workers)
    skipped = {
        int(row): Skipped(**entry)
        for row, entry in json.loads(manifest.read_text(encoding="utf-8"))["skipped"].items()
    }
    if len(skipped) == len(files):
        return np.zeros((0, size, size), dtype=np.uint8), skipped
    return np.load(folder / "images.npy", mmap_mode="r"), skipped


def _key(files: Sequence[Path], size: int) -> str:
    digest = hashlib.sha256(f"{DECODER_VERSION} {size}\n".encode())
    for path in files:
        # Size and time stand in for the content: reading it all would cost as much as decoding.
        try:
            stat = path.stat()
            digest.update(f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}\n".encode())
        except OSError:
            digest.update(f"{path.resolve()} missing\n".encode())
    return digest.hexdigest()[:32]


def _decode_into(folder: Path, files: Sequence[Path], size: int, workers: int) -> None:
    """Write images.npy and manifest.json to a new folder and rename it into place."""
    partial = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
    partial.mkdir(parents=True)
    try:
        skipped: dict[int, dict[str, str]] = {}
        kept = 0
        images = np.lib.format.open_memmap(
            partial / "all.npy", mode="w+", dtype=np.uint8, shape=(max(len(files), 1), size, size)
        )
        for row, decoded in enumerate(_decode_all(files, size, workers)):
            if isinstance(decoded, str):
                skipped[row] = {"file": files[row].name, "reason": decoded}
            else:
                images[kept] = decoded
                kept += 1
        np.save(partial / "images.npy", images[:kept])
        del images
        (partial / "all.npy").unlink()
        manifest = json.dumps({"version": DECODER_VERSION, "size": size, "skipped": skipped})
        (partial / "manifest.json").write_text(manifest, encoding="utf-8")
        try:
            partial.replace(folder)
        except OSError:  # another process was first: its content is the same
            if not (folder / "manifest.json").is_file():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _decode_all(
    files: Sequence[Path], size: int, workers: int
) -> Iterator[UInt8[np.ndarray, "H W"] | str]:
    # Pillow lets go of the interpreter lock while it decodes and resizes: threads are enough.
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(_decode, [(path, size) for path in files])


def _decode(job: tuple[Path, int]) -> UInt8[np.ndarray, "H W"] | str:
    path, size = job
    try:
        return load_image(path, size)
    except DataError as error:
        return str(error.__cause__ or error)
