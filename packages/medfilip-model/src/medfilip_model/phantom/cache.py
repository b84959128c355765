"""Phantom images as one array on disk: drawn once, then memory-mapped."""

import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import platformdirs
from jaxtyping import UInt8

from medfilip_model.errors import DataError
from medfilip_model.phantom.config import PhantomConfig
from medfilip_model.phantom.generate import GENERATOR_VERSION, generate
from medfilip_model.phantom.grid import Field
from medfilip_model.phantom.parallel import in_order

Images = UInt8[np.ndarray, "N H W"]


def to_bytes(image: Field) -> UInt8[np.ndarray, "H W"]:
    """Grey values in [0, 1] as 0-255."""
    return (image * 255 + 0.5).astype(np.uint8)


def default_cache_dir() -> Path:
    """``phantoms`` under ``MEDFILIP_CACHE``, or under the user's cache folder."""
    root = os.environ.get("MEDFILIP_CACHE")
    return (Path(root) if root else platformdirs.user_cache_path("medfilip")) / "phantoms"


def _key(config: PhantomConfig, indices: Sequence[int]) -> str:
    """Everything that changes a pixel; the wording of reports does not."""
    wording = {"hedge_share"}
    recipe = {
        "generator": GENERATOR_VERSION,
        "config": config.model_dump(mode="json", exclude=wording),
        "indices": hashlib.sha256(np.asarray(indices, dtype="<i8").tobytes()).hexdigest(),
    }
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:32]


def _draw_chunk(config: PhantomConfig, indices: list[int]) -> Images:
    return np.stack([to_bytes(generate(config, index).image) for index in indices])


def phantom_images(
    config: PhantomConfig,
    indices: Sequence[int],
    *,
    cache_dir: Path | None = None,
    workers: int = 1,
    progress: Callable[[int], object] | None = None,
) -> Images:
    """Images of many phantoms; findings and reports come from `plan_phantom`, which draws nothing.

    Args:
        config: The recipe.
        indices: Which ones, in the order wanted.
        cache_dir: Where the array is kept; None for `default_cache_dir`. The file's name is a
            hash of the generator's version, the recipe and the indices.
        workers: Processes, see `in_order`.
        progress: Called with the number of images just finished; not called on a cache hit.

    Returns:
        Read-only, memory-mapped uint8 [N, H, W].

    Raises:
        ConfigError: ``workers`` is below 1 or an index is negative.
        DataError: The cached file is damaged.
    """
    shape = (len(indices), config.size, config.size)
    if not indices:
        return np.zeros(shape, np.uint8)
    folder = cache_dir or default_cache_dir()
    path = folder / f"{_key(config, indices)}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fill(path, shape, config, indices, workers, progress)
    return _open(path, shape)


def _open(path: Path, shape: tuple[int, int, int]) -> Images:
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DataError(f"cached phantoms {str(path)!r} are damaged; delete the file") from error
    if images.shape != shape or images.dtype != np.uint8:
        raise DataError(f"cached phantoms {str(path)!r} do not fit their name; delete the file")
    return images


def _fill(
    path: Path,
    shape: tuple[int, int, int],
    config: PhantomConfig,
    indices: Sequence[int],
    workers: int,
    progress: Callable[[int], object] | None,
) -> None:
    """Draw into a temporary file beside the final one, then rename it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".tmp")
    os.close(handle)
    draft = Path(name)
    try:
        images = np.lib.format.open_memmap(draft, mode="w+", dtype=np.uint8, shape=shape)
        start = 0
        for chunk in in_order(functools.partial(_draw_chunk, config), indices, workers=workers):
            images[start : start + len(chunk)] = chunk
            start += len(chunk)
            if progress is not None:
                progress(len(chunk))
        images.flush()
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
