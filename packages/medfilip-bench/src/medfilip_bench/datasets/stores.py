"""Pixels and masks that are read by row: parts joined end to end, and rows made when asked for."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8
from medfilip_model.data import PixelStore


class Part:
    """Some rows of a store, loaded when the first of them is asked for, and once."""

    def __init__(self, count: int, load: Callable[[], PixelStore]) -> None:
        """Name the rows.

        Args:
            count: How many there are.
            load: Gives them.
        """
        self.count = count
        self._load = load
        self._held: PixelStore | None = None
        # A thread that reads ahead and the caller may ask at the same time.
        self._lock = threading.Lock()

    @classmethod
    def of(cls, store: PixelStore) -> "Part":
        """Return a part that is there already."""
        return cls(len(store), lambda: store)

    def held(self) -> PixelStore:
        """Load the rows, or return those that are there."""
        with self._lock:
            if self._held is None:
                self._held = self._load()
        return self._held


class Joined:
    """Parts end to end as one `PixelStore` of N squares."""

    def __init__(self, parts: Sequence[Part], size: int) -> None:
        """Join.

        Args:
            parts: In the order of the rows.
            size: Side of the squares in pixels.
        """
        self._parts = tuple(parts)
        self._size = size
        self._starts = np.cumsum([0, *(part.count for part in self._parts)], dtype=np.int64)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, H, W)."""
        return (len(self), self._size, self._size)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(
        self,
        rows: Any,  # noqa: ANN401 - as numpy's own
        /,
    ) -> UInt8[np.ndarray, "*N H W"]:
        """Read rows.

        Args:
            rows: A row, a slice or an array of rows, as numpy indexes a first axis.

        Returns:
            [n, H, W]; [H, W] for a single row.
        """
        chosen = np.arange(len(self))[rows]
        if chosen.ndim == 0:
            return self._read(chosen[None])[0]
        return self._read(chosen)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        """All rows in memory, for callers that need an array."""
        return np.asarray(self[:], dtype=dtype)

    def _read(self, rows: Int64[np.ndarray, " n"]) -> UInt8[np.ndarray, "n H W"]:
        found = np.empty((len(rows), self._size, self._size), dtype=np.uint8)
        for part, start in zip(self._parts, self._starts, strict=False):
            here = (rows >= start) & (rows < start + part.count)
            if here.any():
                found[here] = part.held()[rows[here] - start]
        return found


class Made:
    """A `PixelStore` whose rows are made one by one when they are asked for."""

    def __init__(self, count: int, size: int, make: Callable[[int], np.ndarray]) -> None:
        """Describe the rows.

        Args:
            count: How many there are.
            size: Side of the squares in pixels.
            make: Row -> [H, W] uint8.
        """
        self.shape = (count, size, size)
        self._make = make

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(
        self,
        rows: Any,  # noqa: ANN401 - as numpy's own
        /,
    ) -> UInt8[np.ndarray, "*N H W"]:
        """Make rows; indexed as `Joined` is."""
        chosen = np.arange(len(self))[rows]
        if chosen.ndim == 0:
            return self._make(int(chosen))
        found = np.empty((len(chosen), *self.shape[1:]), dtype=np.uint8)
        for place, row in enumerate(chosen):
            found[place] = self._make(int(row))
        return found

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        """All rows in memory, for callers that need an array."""
        return np.asarray(self[:], dtype=dtype)


def taken(store: PixelStore, rows: Sequence[int]) -> Made:
    """Return some rows of a store, in the given order, read when they are asked for."""
    chosen = tuple(rows)
    return Made(len(chosen), store.shape[1], lambda row: np.asarray(store[chosen[row]]))
