"""A table of images and report texts, on disk or from a hub, as a prepared data set."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from iki_knowledge import Finding, KnowledgeBase
from pydantic import BaseModel, ConfigDict

from medfilip_model.builders.items import Item
from medfilip_model.builders.join import join
from medfilip_model.builders.options import BuildOptions
from medfilip_model.builders.result import BuiltSet, Draft, build
from medfilip_model.builders.tables import Table, read_table, tables_of_files
from medfilip_model.data.samples import Sample, Split
from medfilip_model.errors import DataError
from medfilip_model.progress import Listener, Silent

_SPLITS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validate": "valid",
    "validation": "valid",
    "dev": "valid",
    "test": "test",
}
# Shares of the patients that a hash puts into train and valid; the rest is test.
_TRAIN, _VALID = 0.70, 0.15


class TableColumns(BaseModel):
    """Names of a table's columns; all but `image` may be missing from it.

    Attributes:
        image: Path, bytes, or the struct of both that ``datasets`` writes.
        findings: Text of the findings section.
        impression: Text of the impression.
        id: Id of the image, which a findings file names as ``report_id``; without the column, the
            stem of the image's path, else ``row-000000``.
        patient: Whose image it is; without the column, every row is a patient.
        study: Images of one study share a report; without the column, every row is a study.
        view: As the source has it.
        split: train, valid(ation) or test; without it, the table's own parts or the patient's hash.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = "image"
    findings: str = "findings"
    impression: str = "impression"
    id: str = "id"
    patient: str = "patient_id"
    study: str = "study_id"
    view: str = "view"
    split: str = "split"


def build_hub(
    table: str | Path,
    out: Path,
    kb: KnowledgeBase,
    *,
    findings: Mapping[str, tuple[Finding, ...]] | None = None,
    reports: bool = False,
    columns: TableColumns | None = None,
    options: BuildOptions | None = None,
    listener: Listener | None = None,
) -> BuiltSet:
    """Prepare a table.

    Args:
        table: ``.csv``, ``.jsonl``, ``.parquet``, a folder (see
            `medfilip_model.builders.tables.read_table`), or a name on a hub (``owner/name``; extra
            ``hub``; code that a repository holds is never run).
        out: Folder to write.
        kb: Dictionary, for its version.
        findings: From `medfilip_model.data.read_findings`, by image id or study id.
        reports: Whether the report texts are kept: findings, a blank line, impression.
        columns: Names of the columns.
        options: How images are stored.
        listener: Hears what was left out and how far it is.

    Returns:
        What was written. The split is that of the column, else of the table's parts, else of a
        hash of the patient (70, 15 and 15 %).

    Raises:
        DataError: Neither findings nor texts; for the table, ids and patients; and see
            `medfilip_model.builders.result.build`.
    """
    names = columns or TableColumns()
    read = _read(table, names.image)
    if findings is None and not reports:
        raise DataError(
            "nothing would say what the images show: give a findings.jsonl, or keep the report "
            "texts (--reports)"
        )
    if reports and not {names.findings, names.impression} & set(read.columns):
        raise DataError(
            f"the table has no column {names.findings!r} and no {names.impression!r}; it has "
            f"{', '.join(map(repr, read.columns))}"
        )
    items = [_item(read, row, names, reports) for row in range(len(read.rows))]
    unmatched: Mapping[str, tuple[str, ...]] = {}
    if findings is not None:
        items, unmatched = _with_findings(items, findings)
    draft = Draft(
        name=Path(table).name,
        source={"kind": "hub", "table": str(table)},
        items=items,
        origin=read.origin,
        knowledge=kb.version,
        unmatched=unmatched,
    )
    return build(draft, out, options or BuildOptions(), listener or Silent())


def _read(table: str | Path, image: str) -> Table:
    path = Path(table)
    if path.exists() or path.suffix in (".csv", ".jsonl", ".parquet"):
        return read_table(path, image)
    files = _download(str(table))
    return tables_of_files([path for _, path in files], [name for name, _ in files], image)


def _download(name: str) -> list[tuple[str | None, Path]]:
    """Fetch a data set by name; its Arrow files in the local cache, by split."""
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            f"{name!r} is no file or folder here; to fetch it by name install the extra "
            "medfilip-model[hub]"
        ) from error
    try:
        loaded: Any = datasets.load_dataset(name)
    # A hub out of reach, a name that is not there, a gated set, a repository with code: all differ.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{name!r} is no file or folder here and cannot be fetched: {reason}; where the hub "
            "is out of reach, name a local copy"
        ) from error
    return [
        (str(split), Path(entry["filename"]))
        for split, part in loaded.items()
        for entry in part.cache_files
    ]


def _item(table: Table, row: int, names: TableColumns, reports: bool) -> Item:
    cells = table.rows[row]
    place = table.images[row]
    name = _text(cells, names.id) or (Path(place).stem if isinstance(place, str) else "")
    name = name or f"row-{row:06}"
    patient = _text(cells, names.patient) or name
    texts = [_text(cells, column) for column in (names.findings, names.impression)]
    sample = Sample(
        id=name,
        patient_id=patient,
        split=_split(_text(cells, names.split) or table.splits[row], patient, name),
        findings=None,
        report="\n\n".join(filter(None, texts)) or None if reports else None,
        view=_text(cells, names.view),
        study_id=_text(cells, names.study),
    )
    return Item(sample, place, table.states[row])


def _text(cells: Mapping[str, Any], column: str) -> str | None:
    value = cells.get(column)
    return None if value is None else str(value).strip() or None


def _split(named: str | None, patient: str, name: str) -> Split:
    if named is None:
        share = int.from_bytes(hashlib.sha256(patient.encode()).digest()[:4], "big") / 2**32
        return "train" if share < _TRAIN else "valid" if share < _TRAIN + _VALID else "test"
    if named.lower() not in _SPLITS:
        raise DataError(f"image {name!r}: split {named!r}; allowed are {', '.join(_SPLITS)}")
    return _SPLITS[named.lower()]


def _with_findings(
    items: list[Item], findings: Mapping[str, tuple[Finding, ...]]
) -> tuple[list[Item], Mapping[str, tuple[str, ...]]]:
    """Join by image id, or by study id where the file names studies."""
    samples = [item.sample for item in items]
    by_study = not {sample.id for sample in samples} & findings.keys()
    joined = join([s.study_id or s.id if by_study else s.id for s in samples], findings)
    known = [
        replace(item, sample=replace(item.sample, findings=found))
        for item, found in zip(items, joined.findings, strict=True)
    ]
    return known, joined.unmatched
