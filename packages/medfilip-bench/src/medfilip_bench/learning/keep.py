"""What was trained once, kept in small files, so that a run that is killed loses one training."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from medfilip_bench.files import hash_of, write_atomic
from medfilip_bench.provenance import code_hash

Arrays = Mapping[str, np.ndarray]


def kept(folder: Path, asked: object, make: Callable[[], Arrays]) -> Arrays:
    """Return what an earlier call made for the same question, or make and keep it.

    Args:
        folder: Where the files are.
        asked: All that decides the answer but the code, as JSON can hold it; the code's own hash is
            added.
        make: Makes the arrays.
    """
    path = folder / f"{hash_of([asked, code_hash()])[:32]}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as held:
            return {name: held[name] for name in held}
    made = make()
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **made)
    write_atomic(path, stream.getvalue())
    return made
