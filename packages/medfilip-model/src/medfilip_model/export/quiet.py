"""Other libraries' remarks on themselves, which a user of an export can do nothing about."""

import logging
import warnings
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def quiet(library: str) -> Generator[None]:
    """Hide warnings, and what a library logs below an error; what cannot be done is raised."""
    log = logging.getLogger(library)
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
