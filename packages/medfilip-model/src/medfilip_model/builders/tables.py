"""Tables on disk, whatever wrote them: CSV, JSON lines, Parquet, a saved ``datasets`` folder."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from medfilip_model.builders.items import file_state
from medfilip_model.builders.origins import FileOrigin, Origin, TableOrigin
from medfilip_model.errors import DataError

_FOLDER_SPLITS = ("train", "validation", "valid", "val", "test")


@dataclass(frozen=True)
class Table:
    """A table without its images.

    Attributes:
        rows: The cells of all columns but the image, row by row.
        images: What an image is called by in `origin`, row by row.
        states: What changes when the input does, row by row.
        splits: The split that the place of a row gives it, if any.
        columns: Names of all columns.
        origin: Where workers find the images.
    """

    rows: list[dict[str, Any]]
    images: list[str | int]
    states: list[str]
    splits: list[str | None]
    columns: tuple[str, ...]
    origin: Origin


def read_table(path: Path, image: str) -> Table:
    """Read a table; images stay where they are.

    Args:
        path: ``.csv``, ``.jsonl``, ``.parquet``, a folder of Parquet files (whose names may begin
            with a split), or a folder that ``datasets`` saved (one set, or one a split).
        image: Column of the images: a path (relative to the table's folder), bytes, or the struct
            of both that ``datasets`` writes.

    Returns:
        The table.

    Raises:
        DataError: It cannot be read, or has no such column.
    """
    if path.is_dir():
        return _of_files(*_folder_files(path), image=image, root=path)
    if not path.is_file():
        raise DataError(f"there is no table {str(path)!r}")
    readers: Mapping[str, Callable[[Path], list[dict[str, Any]]]] = {
        ".csv": _csv,
        ".jsonl": _jsonl,
    }
    if path.suffix == ".parquet":
        return _of_files([path], [None], image=image, root=path.parent)
    if path.suffix not in readers:
        raise DataError(
            f"{str(path)!r} is no .csv, .jsonl or .parquet and no folder of a saved data set"
        )
    try:
        rows = readers[path.suffix](path)
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise DataError(f"cannot read {str(path)!r}: {error}") from error
    return _of_rows(rows, image=image, path=path)


def tables_of_files(files: list[Path], splits: list[str | None], image: str) -> Table:
    """The table that Arrow stream files or Parquet files make up, one after the other."""
    return _of_files(files, splits, image=image, root=files[0].parent)


def _csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _jsonl(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{path} object {number} is {row!r}: a row is a JSON object")
    return rows


def _of_rows(rows: list[dict[str, Any]], *, image: str, path: Path) -> Table:
    if not rows:
        raise DataError(f"{str(path)!r} has no row")
    columns = tuple(rows[0])
    _need(image, columns, path)
    places = [str(row.get(image) or "") for row in rows]
    return Table(
        rows=rows,
        images=list(places),
        states=[file_state(path.parent, place) for place in places],
        splits=[None] * len(rows),
        columns=columns,
        origin=FileOrigin(path.parent),
    )


def _folder_files(folder: Path) -> tuple[list[Path], list[str | None]]:
    """Files of a folder in order, and the split that each belongs to by its name."""
    parts = _saved_parts(folder)
    if parts is not None:
        files = [(name, file) for name, part in parts for file in _saved_files(part)]
        return [file for _, file in files], [name for name, _ in files]
    parquet = sorted(folder.glob("*.parquet")) or sorted(folder.glob("data/*.parquet"))
    if not parquet:
        raise DataError(
            f"{str(folder)!r} is no folder that datasets saved (state.json, dataset_dict.json) and "
            "has no .parquet files"
        )
    return parquet, [_split_of_name(path.name) for path in parquet]


def _split_of_name(name: str) -> str | None:
    word = name.split("-")[0].split(".")[0].split("_")[0].lower()
    return word if word in _FOLDER_SPLITS else None


def _saved_parts(folder: Path) -> list[tuple[str | None, Path]] | None:
    if (folder / "state.json").is_file():
        return [(None, folder)]
    if not (folder / "dataset_dict.json").is_file():
        return None
    names = _json(folder / "dataset_dict.json").get("splits", [])
    return [(name, folder / name) for name in names]


def _saved_files(folder: Path) -> Iterator[Path]:
    state = _json(folder / "state.json")
    if state.get("_indices_data_files"):
        raise DataError(
            f"{str(folder)!r} was saved with a selection of rows: save it again after "
            "flatten_indices()"
        )
    for entry in state.get("_data_files", []):
        yield folder / entry["filename"]


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {str(path)!r}: {error}") from error


def _of_files(files: list[Path], splits: list[str | None], *, image: str, root: Path) -> Table:
    rows: list[dict[str, Any]] = []
    starts: list[int] = []
    states: list[str] = []
    named: list[str | None] = []
    columns: tuple[str, ...] = ()
    for file, split in zip(files, splits, strict=True):
        starts.append(len(rows))
        try:
            columns, own = _cells(file, image)
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"cannot read {str(file)!r}: {error}") from error
        rows += own
        state = file_state(file.parent, file.name)
        states += [f"{state} {n}" for n in range(len(own))]
        named += [split] * len(own)
    if not rows:
        raise DataError(f"{str(root)!r} has no row")
    origin = TableOrigin(tuple(files), tuple(starts), image, root)
    return Table(rows, list(range(len(rows))), states, named, columns, origin)


def _cells(file: Path, image: str) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """Names of all columns, and the cells of all but the image."""
    if file.suffix == ".arrow":
        with pa.ipc.open_stream(pa.memory_map(str(file))) as reader:
            names = reader.schema.names
            _need(image, names, file)
            rows = [row for batch in reader for row in batch.drop_columns([image]).to_pylist()]
            return tuple(names), rows
    with pq.ParquetFile(file) as parquet:
        names = parquet.schema_arrow.names
        _need(image, names, file)
        table = parquet.read([name for name in names if name != image])
        count = parquet.metadata.num_rows
    return tuple(names), table.to_pylist() if table.num_columns else [{} for _ in range(count)]


def _need(image: str, columns: tuple[str, ...] | list[str], path: Path) -> None:
    if image not in columns:
        raise DataError(
            f"{str(path)!r} has no column {image!r}; it has {', '.join(map(repr, columns))}"
        )
