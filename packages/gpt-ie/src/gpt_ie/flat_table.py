"""A map from 64-bit numbers to places, small enough for a million reports and more."""

from array import array

_START = 1 << 10
_BITS = (1 << 64) - 1


class FlatTable:
    """Open addressing over two flat arrays: 16 bytes a slot, between 1/3 and 2/3 of them in use.

    So an entry costs 24 to 48 bytes, where a dict of ints costs about 130; a million fit in 34 MB.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._keys = array("Q", bytes(8 * _START))
        self._values = array("Q", bytes(8 * _START))
        self._used = 0

    def __len__(self) -> int:
        """Number of entries."""
        return self._used

    def get(self, key: int) -> int | None:
        """The value of a key.

        Args:
            key: Any integer that is evenly spread, such as a hash; its lower 64 bits count.

        Returns:
            The value; None when the key is not there.
        """
        slot, key = self._slot(key)
        return self._values[slot] if self._keys[slot] == key else None

    def setdefault(self, key: int, value: int) -> int:
        """The value of a key, which is set first where it is not there.

        Args:
            key: As in `get`.
            value: Not negative.

        Returns:
            The value that the key has now.
        """
        slot, key = self._slot(key)
        if self._keys[slot] == key:
            return self._values[slot]
        self._keys[slot], self._values[slot] = key, value
        self._used += 1
        if 3 * self._used > 2 * len(self._keys):
            self._grow()
        return value

    def _slot(self, key: int) -> tuple[int, int]:
        """Where a key is, or is to be; and the key as it is kept (0 marks a free slot)."""
        keys, last = self._keys, len(self._keys) - 1
        key = key & _BITS or 1
        slot = key & last
        while keys[slot] and keys[slot] != key:
            slot = (slot + 1) & last
        return slot, key

    def _grow(self) -> None:
        keys, values = self._keys, self._values
        self._keys = array("Q", bytes(16 * len(keys)))
        self._values = array("Q", bytes(16 * len(keys)))
        for key, value in zip(keys, values, strict=True):
            if key:
                slot, _ = self._slot(key)
                self._keys[slot], self._values[slot] = key, value
