"""Files that appear complete or not at all."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def atomic_text(path: Path) -> Generator[IO[str]]:
    """Write a text file under a temporary name in the same folder, then rename it.

    Args:
        path: The file; what it held is replaced at the end, and kept when the body raises.

    Yields:
        A stream for UTF-8 text; line ends are written as given.

    Raises:
        OSError: When the folder is missing or cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The process's umask; mkstemp makes files that only their owner may read."""
    current = os.umask(0)
    os.umask(current)
    return current
