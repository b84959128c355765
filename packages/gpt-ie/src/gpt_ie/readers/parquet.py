"""Parquet → a stream of reports, one batch of rows in memory at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gpt_ie.columns import Columns, Wanted
from gpt_ie.readers.lines import OnRead, ReadError
from gpt_ie.readers.records import checked, from_object
from gpt_ie.readers.table import columns_of, nothing
from gpt_ie.schema import Rejected, Report

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_ROWS = 1024
_BUFFER = 2**20


class _Batch(Protocol):
    """What is used of a ``pyarrow.RecordBatch``, whose types are not published."""

    num_rows: int

    def slice(self, offset: int, length: int) -> "_Batch": ...
    def to_pylist(self) -> list[dict[str, object]]: ...


def read_parquet(
    path: Path, wanted: Wanted, on_read: OnRead | None = None
) -> Iterator[Report | Rejected]:
    """The reports of a Parquet file.

    Args:
        path: The file.
        wanted: What to read of it; only those columns are unpacked.
        on_read: Called with the bytes read so far, as a share of the file by rows.

    Returns:
        The reports, and a rejection for each row whose id or text is none.

    Raises:
        ReadError: At once when pyarrow is missing, the file is no Parquet or lacks these columns;
            while rows are read, where it is damaged.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ReadError(
            f"{path}: Parquet needs pyarrow; install the extra: pip install 'gpt-ie[parquet]' "
            "(or uv sync --extra parquet)"
        ) from error
    damage = (pa.ArrowException, OSError, ValueError, MemoryError)
    try:
        # Without pre_buffer=False every row group read so far stays in memory.
        file = pq.ParquetFile(
            path, pre_buffer=False, buffer_size=_BUFFER, page_checksum_verification=True
        )
        names = [str(name) for name in file.schema_arrow.names]
        rows = int(file.metadata.num_rows)
    except damage as error:
        raise _damaged(path, error) from error
    columns = columns_of(names, str(path), wanted)
    return checked(
        _records(path, file, rows, columns, on_read, damage), wanted.sections, nothing(str(path))
    )


def _records(
    path: Path,
    file: "ParquetFile",
    rows: int,
    columns: Columns,
    on_read: OnRead | None,
    damage: tuple[type[Exception], ...],
) -> Iterator[Report | Rejected]:
    needed = list(dict.fromkeys((columns.report_id, *columns.texts.values())))
    size = path.stat().st_size
    done = 0
    with file:
        batches = file.iter_batches(batch_size=_ROWS, columns=needed, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
                values = [] if batch is None else _values(batch)
            except damage as error:
                raise _damaged(path, error) from error
            if batch is None:
                return
            for value in values:
                done += 1
                yield _from_values(value, done, columns)
            if on_read is not None:
                on_read(size * min(done, rows) // max(rows, 1))


def _values(batch: _Batch) -> list[dict[str, object] | None]:
    """Each row of a batch as a dictionary; None where a text is not UTF-8."""
    try:
        return list(batch.to_pylist())
    except UnicodeDecodeError:
        return [_row(batch, number) for number in range(batch.num_rows)]


def _row(batch: _Batch, number: int) -> dict[str, object] | None:
    try:
        return batch.slice(number, 1).to_pylist()[0]
    except UnicodeDecodeError:
        return None


def _from_values(value: dict[str, object] | None, row: int, columns: Columns) -> Report | Rejected:
    if value is None:
        return Rejected(None, row, "a text of the row is not UTF-8")
    return from_object(value, row, columns)


def _damaged(path: Path, error: BaseException) -> ReadError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return ReadError(f"{path}: not a whole Parquet file: {reason}")
