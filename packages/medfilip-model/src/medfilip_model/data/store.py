"""Pixels in memory-mapped Arrow shards, decoded when they are asked for."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import UInt8

from medfilip_model.data.decode import read_grey, square
from medfilip_model.data.format import SCHEMA
from medfilip_model.errors import DataError


def open_shard(path: Path, columns: Sequence[str]) -> list[Any]:
    """Map a shard and return some of its columns as record batches; nothing is copied.

    Raises:
        DataError: Naming the file: it cannot be read, is cut short, or has other columns.
    """
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        if not reader.schema.equals(SCHEMA):
            raise DataError(f"shard {str(path)!r} has other columns than this version writes")
        batches = [reader.get_batch(n) for n in range(reader.num_record_batches)]
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"cannot read shard {str(path)!r}: {error}; copy or prepare it again"
        ) from error
    return [batch.select(list(columns)) for batch in batches]


class Fault(NamedTuple):
    """An image that cannot be decoded: its id, and why."""

    id: str
    reason: str


class ShardStore:
    """N grey squares in shards: a `PixelStore`.

    Nothing is open until the first image is asked for, and every process opens the shards for
    itself: the store is cheap to send to workers, and survives a fork.
    """

    def __init__(
        self,
        files: Sequence[Path],
        counts: Sequence[int],
        size: int,
        rows: Sequence[int] | None = None,
    ) -> None:
        """Describe the shards.

        Args:
            files: The shards, in order.
            counts: Images of each.
            size: Side of the decoded squares in pixels.
            rows: Which images of all, in which order; None: all of them.
        """
        self._files = tuple(files)
        self._counts = tuple(counts)
        self._size = size
        every = np.arange(sum(counts)) if rows is None else rows
        self._rows = np.asarray(every, dtype=np.int64)
        self._starts = np.zeros(0, dtype=np.int64)
        self._batches: list[tuple[Path, Any]] = []
        self._process: int | None = None

    def subset(self, rows: Sequence[int]) -> "ShardStore":
        """Return a store of some rows of this one."""
        return ShardStore(self._files, self._counts, self._size, self._rows[list(rows)].tolist())

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, H, W)."""
        return (len(self._rows), self._size, self._size)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(
        self,
        rows: Any,  # noqa: ANN401 - as numpy's own
        /,
    ) -> UInt8[np.ndarray, "*N H W"]:
        """Decode images.

        Args:
            rows: A row, a slice, or an array of rows, as numpy indexes a first axis.

        Returns:
            [n, H, W] grey values; [H, W] for a single row.

        Raises:
            DataError: Naming the id of the first image that cannot be decoded.
        """
        chosen = self._rows[rows]
        if chosen.ndim == 0:
            return self._decode(int(chosen))
        images = np.empty((len(chosen), self._size, self._size), dtype=np.uint8)
        for n, row in enumerate(chosen):
            images[n] = self._decode(int(row))
        return images

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        """All images in memory, for callers that need an array."""
        return np.asarray(self[:], dtype=dtype)

    def __getstate__(self) -> dict[str, Any]:
        # Maps are of one process; where they are opened again is known.
        return {**self.__dict__, "_batches": [], "_process": None}

    def fault(self, row: int) -> Fault | None:
        """Why the image of a row cannot be decoded; None if it can."""
        at = int(self._rows[row])
        try:
            self._decode(at)
        except DataError as error:
            return Fault(self._cell(at, "id")[1].as_py(), str(error.__cause__ or error))
        return None

    def _decode(self, at: int) -> UInt8[np.ndarray, "H W"]:
        path, cell = self._cell(at, "image")
        try:
            image, _ = read_grey(cell.as_py(), self._size)
        except DataError as error:
            name = self._cell(at, "id")[1].as_py()
            raise DataError(f"cannot decode image {name!r} in {str(path)!r}: {error}") from error
        return np.asarray(square(image, self._size))

    def _cell(self, at: int, column: str) -> tuple[Path, Any]:
        """The shard and the value of an image, counted over all shards."""
        if self._process != os.getpid():
            self._open()
        number = int(np.searchsorted(self._starts, at, side="right")) - 1
        path, batch = self._batches[number]
        return path, batch.column(column)[at - int(self._starts[number])]

    def _open(self) -> None:
        batches = [
            (path, batch) for path in self._files for batch in open_shard(path, ["id", "image"])
        ]
        filled = [(path, batch) for path, batch in batches if len(batch)]
        sizes = [len(batch) for _, batch in filled]
        self._starts = np.cumsum([0, *sizes[:-1]], dtype=np.int64)
        self._batches, self._process = filled, os.getpid()
