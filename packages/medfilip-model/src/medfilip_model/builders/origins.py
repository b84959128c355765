"""Where workers find the pixels of an item: files, a table's column, or the phantom's recipe."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from medfilip_model.errors import DataError
from medfilip_model.phantom.config import PhantomConfig


@runtime_checkable
class Cells(Protocol):
    """What is used here of an Arrow array."""

    def __len__(self) -> int:
        """Number of cells."""
        ...

    def __getitem__(self, row: int) -> Any:  # noqa: ANN401 - an Arrow scalar of any type
        """One cell."""
        ...


@runtime_checkable
class Origin(Protocol):
    """A picklable source of images."""

    def __call__(self, place: str | int) -> "Path | bytes | np.ndarray":
        """Return a file, the content of one, or grey values.

        Raises:
            DataError: When there is none.
        """
        ...


@dataclass(frozen=True)
class FileOrigin:
    """Images that are files below a folder; a place is a relative path."""

    root: Path

    def __call__(self, place: str | int) -> Path:
        """Return the file."""
        return self.root / str(place)


@dataclass(frozen=True)
class PhantomOrigin:
    """Phantoms, drawn where they are needed; a place is an index."""

    config: PhantomConfig

    def __call__(self, place: str | int) -> np.ndarray:
        """Draw the phantom."""
        from medfilip_model.phantom.cache import to_bytes
        from medfilip_model.phantom.generate import generate

        return to_bytes(generate(self.config, int(place)).image)


@dataclass(frozen=True)
class TableOrigin:
    """The image column of Parquet or Arrow files; a place is a row, counted over all files.

    Attributes:
        files: The files in order.
        starts: Number of the first row of each file.
        column: Bytes, a path, or the struct of both that ``datasets`` writes.
        root: Folder that relative paths start from.
    """

    files: tuple[Path, ...]
    starts: tuple[int, ...]
    column: str
    root: Path

    def __call__(self, place: str | int) -> Path | bytes:
        """Return the bytes, or the file that the cell names."""
        row = int(place)
        file = max(n for n, start in enumerate(self.starts) if start <= row)
        return self._image(_cell(self.files[file], self.column, row - self.starts[file]))

    def _image(self, cell: object) -> Path | bytes:
        if isinstance(cell, dict):
            content = cell.get("bytes")
            cell = content if content is not None else cell.get("path")
        if isinstance(cell, bytes):
            return cell
        if isinstance(cell, str) and cell:
            return self.root / cell
        raise DataError(f"the cell of column {self.column!r} is empty")


def _cell(path: Path, column: str, row: int) -> object:
    if path.suffix == ".arrow":
        batches, starts = _arrow(path, column)
        batch = int(np.searchsorted(starts, row, side="right")) - 1
        return batches[batch][row - int(starts[batch])].as_py()
    start, group = _group_of(path, row)
    return _row_group(path, column, group)[row - start].as_py()


@lru_cache(maxsize=8)
def _arrow(path: Path, column: str) -> tuple[Sequence[Cells], np.ndarray]:
    """Batches of a memory-mapped Arrow stream (as ``datasets`` saves) and their first rows."""
    with pa.ipc.open_stream(pa.memory_map(str(path))) as reader:
        batches = [batch.column(column) for batch in reader]
    return batches, np.cumsum([0, *map(len, batches)])[:-1]


@lru_cache(maxsize=64)
def _groups(path: Path) -> np.ndarray:
    """First rows of the row groups of a Parquet file, and the number of rows."""
    with pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    return np.cumsum([0, *sizes])


def _group_of(path: Path, row: int) -> tuple[int, int]:
    starts = _groups(path)
    group = int(np.searchsorted(starts, row, side="right")) - 1
    return int(starts[group]), group


# One group at a time: rows are asked for in order, and a group may hold many images.
@lru_cache(maxsize=1)
def _row_group(path: Path, column: str, group: int) -> Cells:
    with pq.ParquetFile(path) as file:
        return file.read_row_group(group, columns=[column]).column(column)
