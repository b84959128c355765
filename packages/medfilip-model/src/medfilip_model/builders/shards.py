"""Shards of a prepared data set: planned, written whole, and kept when nothing changed."""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from medfilip_model.builders.encode import Encoded, encode_items
from medfilip_model.builders.items import Item
from medfilip_model.builders.options import BuildOptions
from medfilip_model.builders.origins import Origin
from medfilip_model.builders.parallel import in_order
from medfilip_model.data.decode import DECODER_VERSION
from medfilip_model.data.format import FORMAT, SCHEMA, SHARDS
from medfilip_model.data.samples import SPLITS, Split
from medfilip_model.errors import DataError

# Images a task: small, so that a data set of one shard keeps all workers busy too.
_CHUNK = 16


@dataclass(frozen=True)
class Shard:
    """A shard that is on disk.

    Attributes:
        file: Path below the data set's folder.
        split: Of all its rows.
        rows: Images in it.
        bytes: Size of the file.
        sha256: Of the file.
        key: Hash of all that went in.
        skipped: Images that were to be in it and could not be read: position in the plan, reason.
    """

    file: str
    split: Split
    rows: int
    bytes: int
    sha256: str
    key: str
    skipped: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Planned:
    """A shard to be: its name, its images and the hash of all that goes in."""

    file: str
    items: tuple[Item, ...]
    key: str


def plan_shards(items: Sequence[Item], options: BuildOptions) -> list[Planned]:
    """Divide images into shards: by split, in the order given, `options.rows` to a shard."""
    shards: list[Planned] = []
    for split in SPLITS:
        own = [item for item in items if item.sample.split == split]
        for number, start in enumerate(range(0, len(own), options.rows)):
            part = tuple(own[start : start + options.rows])
            name = f"{SHARDS}/{split}-{number:05}.arrow"
            shards.append(Planned(name, part, _key(part, options)))
    return shards


def write_shards(
    folder: Path,
    plan: Sequence[Planned],
    origin: Origin,
    options: BuildOptions,
    advance: Callable[[int], object],
) -> Generator[Shard]:
    """Write the shards that are not on disk yet, each under a temporary name and renamed.

    Args:
        folder: The data set's folder.
        plan: All shards.
        origin: Where the images are.
        options: How they are stored.
        advance: Called with the number of images just done.

    Yields:
        The written shards, in order.

    Raises:
        DataError: No space left, or a worker died; finished shards stay.
    """
    chunks = (
        (shard, shard.items[start : start + _CHUNK])
        for shard in plan
        for start in range(0, len(shard.items), _CHUNK)
    )
    done = in_order(partial(_encode_chunk, origin, options), chunks, workers=options.workers)
    try:
        for shard, parts in groupby(done, key=lambda part: part[0][0]):
            yield _write(folder, shard, ((c[1], encoded) for c, encoded in parts), advance)
    finally:
        done.close()


def finished(folder: Path, planned: Planned, *, verify: bool = False) -> Shard | None:
    """The shard as an earlier run left it, or None when it is missing, cut short or outdated.

    Args:
        folder: The data set's folder.
        planned: The shard.
        verify: Whether one whose bytes are others than were written counts as missing too.
    """
    try:
        note: dict[str, Any] = json.loads(_note(folder, planned.file).read_text(encoding="utf-8"))
        size = (folder / planned.file).stat().st_size
        skipped = tuple((int(row), str(why)) for row, why in note.pop("skipped"))
        shard = Shard(**note, skipped=skipped)
    # A note that was tampered with is no note.
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if (shard.key, shard.bytes) != (planned.key, size):
        return None
    return shard if not verify or _sha256(folder / planned.file) == shard.sha256 else None


def clear(folder: Path, keep: Sequence[str]) -> None:
    """Remove shards that are not in `keep`, and what a killed run left half written."""
    wanted = {folder / name for name in keep} | {_note(folder, name) for name in keep}
    for path in (folder / SHARDS).iterdir():
        if path not in wanted and path.suffix in (".arrow", ".json", ".tmp"):
            path.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name in the same folder, then rename it.

    Raises:
        DataError: No space left.
    """
    with _draft(path) as draft:
        draft.write_bytes(content)


def _encode_chunk(
    origin: Origin, options: BuildOptions, chunk: tuple[Planned, tuple[Item, ...]]
) -> list[Encoded | str]:
    return encode_items(origin, options, chunk[1])


def _write(
    folder: Path,
    shard: Planned,
    parts: Iterator[tuple[tuple[Item, ...], list[Encoded | str]]],
    advance: Callable[[int], object],
) -> Shard:
    path = folder / shard.file
    rows, skipped, seen = 0, list[tuple[int, str]](), 0
    with _draft(path) as draft:
        with pa.OSFile(str(draft), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
            for items, encoded in parts:
                failed = {n: why for n, why in enumerate(encoded) if isinstance(why, str)}
                skipped += [(seen + n, why) for n, why in failed.items()]
                seen += len(items)
                columns = _columns(items, encoded)
                if columns["id"]:
                    writer.write_batch(pa.RecordBatch.from_pydict(columns, schema=SCHEMA))
                    rows += len(columns["id"])
                advance(len(items))
        size = draft.stat().st_size
        digest = _sha256(draft)
    result = Shard(
        shard.file, shard.items[0].sample.split, rows, size, digest, shard.key, tuple(skipped)
    )
    write_whole(_note(folder, shard.file), json.dumps(asdict(result)).encode())
    return result


def _columns(items: Sequence[Item], encoded: Sequence[Encoded | str]) -> dict[str, list[Any]]:
    pairs = [(i.row, e) for i, e in zip(items, encoded, strict=True) if not isinstance(e, str)]
    pixels = {
        "image": [image.content for _, image in pairs],
        "width": [image.width for _, image in pairs],
        "height": [image.height for _, image in pairs],
    }
    return {
        name: pixels[name] if name in pixels else [row[name] for row, _ in pairs]
        for name in SCHEMA.names
    }


def _key(items: Sequence[Item], options: BuildOptions) -> str:
    digest = hashlib.sha256(
        json.dumps([FORMAT, DECODER_VERSION, options.stored], sort_keys=True).encode()
    )
    for item in items:
        digest.update(json.dumps([item.row, item.place, item.state]).encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note(folder: Path, file: str) -> Path:
    return (folder / file).with_suffix(".json")


@contextmanager
def _draft(path: Path) -> Generator[Path]:
    """A temporary file that takes the place of `path` when all went well."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    draft = Path(name)
    draft.chmod(0o644)
    try:
        yield draft
        draft.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(
                f"no space left for {str(path)!r}; finished shards are kept: "
                "make room and run the same command again"
            ) from error
        raise
    finally:
        draft.unlink(missing_ok=True)
