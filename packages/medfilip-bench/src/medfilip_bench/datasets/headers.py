"""What DICOM headers say of patient and film, read once and cached."""

import hashlib
import json
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from medfilip_model.data.pixels import cache_root

from medfilip_bench.datasets.entry import Entry
from medfilip_bench.datasets.labelled import Subject
from medfilip_bench.datasets.subjects import age_of, sex_of, view_of
from medfilip_bench.files import write_atomic

_TAGS = ["PatientSex", "PatientAge", "ViewPosition", "Rows", "Columns"]
_VERSION = 1


@dataclass(frozen=True)
class Header:
    """What is read of a header.

    Attributes:
        sex: As written.
        age: As written.
        view: As written.
        width: Columns; 0 where it cannot be read.
        height: Rows; 0 where it cannot be read.
    """

    sex: str = ""
    age: str = ""
    view: str = ""
    width: int = 0
    height: int = 0

    @property
    def subject(self) -> Subject:
        """Who and how."""
        return Subject(sex_of(self.sex), age_of(self.age), view_of(self.view))


def read_headers(files: Sequence[Path], *, workers: int) -> list[Header]:
    """Read the headers of DICOM files; an empty one stands for a file that cannot be read.

    Args:
        files: They need not exist.
        workers: Threads.
    """
    path = cache_root() / "headers" / f"{_key(files)}.json"
    if path.is_file():
        told = json.loads(path.read_text(encoding="utf-8"))
        return [Header(**entry) for entry in told]
    with ThreadPoolExecutor(workers) as pool:
        headers = list(pool.map(_read, files))
    write_atomic(path, json.dumps([asdict(header) for header in headers]))
    return headers


def with_subjects(entries: Sequence[Entry], *, workers: int) -> list[Entry]:
    """Return entries of DICOM films with who and how as their headers say.

    Args:
        entries: What was chosen to be read.
        workers: Threads that read.
    """
    headers = read_headers([entry.file for entry in entries], workers=workers)
    return [replace(e, subject=h.subject) for e, h in zip(entries, headers, strict=True)]


def _read(file: Path) -> Header:
    from pydicom import dcmread

    try:
        with warnings.catch_warnings():
            # What pydicom mutters about odd values; they are read as text.
            warnings.simplefilter("ignore")
            found = dcmread(file, stop_before_pixels=True, specific_tags=list(_TAGS))
            return Header(
                sex=str(found.get("PatientSex") or ""),
                age=str(found.get("PatientAge") or ""),
                view=str(found.get("ViewPosition") or ""),
                width=int(found.get("Columns") or 0),
                height=int(found.get("Rows") or 0),
            )
    # A damaged file raises anything; decoding names it and says why.
    except Exception:
        return Header()


def _key(files: Sequence[Path]) -> str:
    digest = hashlib.sha256(f"{_VERSION}\n".encode())
    for file in files:
        try:
            stat = file.stat()
            digest.update(f"{file.resolve()} {stat.st_size} {stat.st_mtime_ns}\n".encode())
        except OSError:
            digest.update(f"{file.resolve()} missing\n".encode())
    return digest.hexdigest()[:32]
