"""A file that one process at a time has open for writing."""

import os
import sys
from pathlib import Path


class AlreadyLockedError(Exception):
    """Another process, or this one elsewhere, holds the lock."""


def open_locked(path: Path) -> int:
    """Open a file for appending, only its owner may read it, and lock it until it is closed.

    The lock goes with the process, however that ends. Where the file system has no locks, or on
    Windows, the file is opened without one.

    Args:
        path: Made when it is not there.

    Returns:
        The file's descriptor, for reading and appending.

    Raises:
        AlreadyLockedError: When it is locked.
        OSError: When it cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    while True:
        handle = os.open(path, flags, 0o600)
        try:
            _lock(handle)
            # The holder may have removed the file between our opening and our locking it.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(handle)):
                path.chmod(0o600)
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyLockedError from None
    except OSError:
        # Some network file systems have none; the size is checked at the end of a run as well.
        return
