"""Errors of the packages below, told as this package's own."""

from collections.abc import Generator
from contextlib import contextmanager

from medfilip_model.errors import DataError as ModelDataError

from medfilip_bench.errors import DataError


@contextmanager
def as_data_errors(name: str) -> Generator[None]:
    """Turn what medfilip-model raises about data into a `DataError` with the set's name before it.

    Args:
        name: Name of the data set.

    Raises:
        DataError: In place of the other.
    """
    try:
        yield
    except ModelDataError as error:
        raise DataError(f"{name}: {error}") from error
