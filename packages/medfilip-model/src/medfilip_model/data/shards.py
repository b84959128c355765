"""A prepared data set (`medfilip_model.data.format`) as an image set, decoded on access."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from iki_knowledge import Finding, KnowledgeBase
from pydantic import BaseModel, ConfigDict, ValidationError

from medfilip_model.data.findings import read_finding
from medfilip_model.data.format import FORMAT, MANIFEST, SCHEMA, SHARDS
from medfilip_model.data.samples import ImageSet, Sample, Skipped, Split
from medfilip_model.data.store import ShardStore, open_shard
from medfilip_model.errors import DataError

Corrupt = Literal["raise", "skip"]

# Everything but the images, which are read when they are asked for.
_COLUMNS = [name for name in SCHEMA.names if name not in ("image", "width", "height")]


class _Shard(BaseModel):
    """What dataset.json says of a shard; keys that only the builder needs are not read."""

    model_config = ConfigDict(frozen=True)

    file: str
    rows: int
    bytes: int
    sha256: str


class _Manifest(BaseModel):
    """What dataset.json says of the set, as far as it is needed here."""

    model_config = ConfigDict(frozen=True)

    name: str
    classes: tuple[str, ...] | None
    shards: tuple[_Shard, ...]


def is_prepared(folder: Path) -> bool:
    """Whether a folder is a complete prepared data set."""
    return (folder / MANIFEST).is_file()


def load_prepared(
    folder: Path,
    kb: KnowledgeBase,
    *,
    size: int,
    verify: bool = False,
    corrupt: Corrupt = "raise",
    workers: int = 2,
) -> ImageSet:
    """Open a prepared data set.

    Ids, findings and reports are read now; images stay in the memory-mapped shards and are decoded
    when they are asked for.

    Args:
        folder: The folder that ``medfilip prepare`` wrote.
        kb: Dictionary that must know every finding.
        size: Side of the decoded squares in pixels, whatever they are stored in.
        verify: Whether the hash of every shard is compared; its length always is.
        corrupt: What is done about a stored image that cannot be decoded: ``raise`` a DataError
            that names it when it is asked for, or ``skip`` those now, at the cost of decoding all.
        workers: Threads that decode for ``skip``.

    Returns:
        The images; those that were skipped are listed.

    Raises:
        DataError: Naming the file: no or another version's dataset.json, a shard that is missing,
            cut short or changed, a finding that the dictionary does not know.
    """
    manifest = _read_manifest(folder / MANIFEST)
    for shard in manifest.shards:
        _check(folder / shard.file, shard, verify=verify)
    files = tuple(folder / shard.file for shard in manifest.shards)
    samples = tuple(sample for file in files for sample in _samples(file, kb))
    store = ShardStore(files, tuple(shard.rows for shard in manifest.shards), size)
    skipped = _undecodable(store, workers) if corrupt == "skip" else {}
    if skipped:
        kept = [row for row in range(len(store)) if row not in skipped]
        samples, store = tuple(samples[row] for row in kept), store.subset(kept)
    if not samples:
        raise DataError(f"not one image of {folder} can be read")
    return ImageSet(
        name=manifest.name,
        samples=samples,
        pixels=store,
        skipped=tuple(skipped.values()),
        classes=manifest.classes,
    )


@dataclass(frozen=True)
class Verified:
    """What a prepared data set on disk is worth.

    Attributes:
        name: Of the set.
        shards: How many dataset.json names.
        images: Their rows, as it tells them.
        faults: One line for each shard that is missing, cut short or changed, and for each that
            dataset.json does not name.
    """

    name: str
    shards: int
    images: int
    faults: tuple[str, ...]


def verify_prepared(folder: Path) -> Verified:
    """Compare every shard with dataset.json: length, hash and rows.

    Args:
        folder: The folder that ``medfilip prepare`` wrote.

    Returns:
        What was found; nothing is changed.

    Raises:
        DataError: If dataset.json itself is missing, damaged or of another version.
    """
    manifest = _read_manifest(folder / MANIFEST)
    faults: list[str] = []
    for shard in manifest.shards:
        try:
            _check(folder / shard.file, shard, verify=True)
        except DataError as error:
            faults.append(str(error))
    named = {folder / shard.file for shard in manifest.shards}
    faults += [
        f"shard {str(path)!r} is not in {MANIFEST}: it belongs to another set, or prepare was cut "
        "off"
        for path in sorted((folder / SHARDS).glob("*.arrow"))
        if path not in named
    ]
    images = sum(shard.rows for shard in manifest.shards)
    return Verified(manifest.name, len(manifest.shards), images, tuple(faults))


def _read_manifest(path: Path) -> _Manifest:
    try:
        tree = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    version = tree.get("format") if isinstance(tree, dict) else None
    if version != FORMAT:
        raise DataError(
            f"{path} has format {version!r}; this version reads {FORMAT}: "
            "prepare the data set again with this version of medfilip-model"
        )
    try:
        return _Manifest.model_validate(tree)
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(str(part) for part in fault["loc"])
        raise DataError(f"{path}: {name}: {fault['msg'].lower()}") from error


def _check(path: Path, shard: _Shard, *, verify: bool) -> None:
    try:
        size = path.stat().st_size
        if size != shard.bytes:
            how = "cut short" if size < shard.bytes else "changed"
            raise DataError(
                f"shard {str(path)!r} is {how}: {size} bytes of {shard.bytes}; copy or prepare it "
                "again"
            )
        if verify and _sha256(path) != shard.sha256:
            raise DataError(
                f"shard {str(path)!r} is damaged: its SHA-256 is not that of {MANIFEST}; copy or "
                "prepare it again"
            )
    except OSError as error:
        raise DataError(f"cannot read shard {str(path)!r}: {error.strerror}") from error
    rows = sum(len(batch) for batch in open_shard(path, ["id"]))
    if rows != shard.rows:
        raise DataError(f"shard {str(path)!r} has {rows} rows; {MANIFEST} says {shard.rows}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _samples(path: Path, kb: KnowledgeBase) -> Iterator[Sample]:
    known: dict[str, tuple[Finding, ...]] = {}
    for batch in open_shard(path, _COLUMNS):
        for row in batch.to_pylist():
            yield _sample(row, path, kb, known)


def _sample(
    row: Mapping[str, Any], path: Path, kb: KnowledgeBase, known: dict[str, tuple[Finding, ...]]
) -> Sample:
    where = f"{path} image {row['id']!r}"
    text = row["findings"]
    # Most images share their findings with another: each list is checked once.
    if text is not None and text not in known:
        known[text] = _findings(text, kb, where)
    return Sample(
        id=row["id"],
        patient_id=row["patient_id"],
        split=_split(row["split"], where),
        findings=None if text is None else known[text],
        report=row["report"],
        view=row["view"],
        study_id=row["study_id"],
    )


def _findings(text: str, kb: KnowledgeBase, where: str) -> tuple[Finding, ...]:
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise DataError(f"{where}: findings are no JSON: {error}") from error
    if not isinstance(entries, list):
        raise DataError(f"{where}: findings are {entries!r}, not a list")
    return tuple(read_finding(entry, kb, where) for entry in entries)


def _split(name: str, where: str) -> Split:
    if name not in ("train", "valid", "test"):
        raise DataError(f"{where}: split {name!r}; allowed are train, valid, test")
    return name


def _undecodable(store: ShardStore, workers: int) -> dict[int, Skipped]:
    with ThreadPoolExecutor(workers) as pool:
        reasons = pool.map(store.fault, range(len(store)))
        return {row: Skipped(*fault) for row, fault in enumerate(reasons) if fault is not None}
