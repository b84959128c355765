"""The folder that an export is written to: new, or in place of an earlier export, as a whole."""

import json
import shutil
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from medfilip_model.checkpoint.files import entry, to_json
from medfilip_model.export.result import Check, ExportError, Kind

# Names the export's files; what lies beside them is not ours to remove.
RECORD = "export.json"
_FORMAT = "medfilip-export"


@contextmanager
def fresh_folder(out: Path) -> Generator[Path]:
    """Fill a folder beside `out` and put it there when the block ends well.

    Args:
        out: Missing, empty, or an earlier export, which is replaced.

    Yields:
        An empty folder to write to.

    Raises:
        ExportError: If `out` holds anything that no export wrote.
    """
    _check_free(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}-{uuid.uuid4().hex[:8]}.partial")
    old = partial.with_suffix(".old")
    partial.mkdir()
    try:
        yield partial
        if out.exists():
            out.rename(old)
        partial.rename(out)
    finally:
        # After a failure between the two renames the earlier export goes back.
        if old.exists() and not out.exists():
            old.rename(out)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_record(folder: Path, kind: Kind, checks: Sequence[Check], source: str) -> None:
    """Write export.json: the files with their hashes, what was compared, and of which weights.

    Args:
        folder: With all other files in place.
        kind: Of the export.
        checks: Of its parts.
        source: SHA-256 of the model's weights as `weights_hash` takes it.
    """
    record = {
        "format": _FORMAT,
        "version": 1,
        "kind": kind,
        "weights": source,
        "checks": [asdict(check) for check in checks],
        "versions": {name: version(name) for name in ("medfilip-model", "torch")},
        "files": [
            entry(name, (folder / name).read_bytes()).model_dump() for name in names_in(folder)
        ],
    }
    (folder / RECORD).write_bytes(to_json(record))


def names_in(folder: Path) -> tuple[str, ...]:
    """Files of a folder and of those in it, by their names relative to it."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return tuple(sorted(path.relative_to(folder).as_posix() for path in paths))


def _check_free(out: Path) -> None:
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir() or out.is_symlink():
        raise ExportError(f"--out {str(out)!r} is no folder; give the name of a new one")
    foreign = sorted(set(names_in(out)) - _recorded(out))
    if foreign:
        more = f" and {len(foreign) - 1} more" if foreign[1:] else ""
        raise ExportError(
            f"--out {str(out)!r} holds {foreign[0]!r}{more}, which no export wrote; "
            "give a new folder, or empty this one"
        )


def _recorded(out: Path) -> set[str]:
    try:
        record = json.loads((out / RECORD).read_bytes())
        if record["format"] != _FORMAT:
            return set()
        return {RECORD, *(file["file"] for file in record["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
