"""A MIMIC-CXR tree, ``files/p10/p10000032/s50414267.txt`` → a stream of reports."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from gpt_ie.readers.lines import OnRead, ReadError
from gpt_ie.readers.records import checked
from gpt_ie.readers.text import Entry, entries, read_files
from gpt_ie.schema import Rejected, Report

_GROUP = re.compile(r"p\d\d")
_PATIENT = re.compile(r"p\d{8}")
_STUDY = re.compile(r"s\d+\.txt")


def mimic_files(path: Path) -> Path | None:
    """The folder of a MIMIC-CXR tree that holds its groups ``p10`` … ``p19``, or is one of them.

    Args:
        path: A folder: the tree's top, its ``files``, or one group.

    Returns:
        The folder, or None when this is no such tree.
    """
    for folder in (path / "files", path):
        if any(True for group in _inner(folder, _GROUP) for _ in _inner(folder / group, _PATIENT)):
            return folder
    is_group = _GROUP.fullmatch(path.resolve().name) and any(_inner(path, _PATIENT))
    return path if is_group else None


def read_mimic(
    files: Path, sections: frozenset[str], on_read: OnRead | None = None
) -> Iterator[Report | Rejected]:
    """One report for each study of a MIMIC-CXR tree.

    Args:
        files: From `mimic_files`.
        sections: Of `gpt_ie.sections.SECTIONS`; empty for all text.
        on_read: Called with the number of bytes read so far.

    Returns:
        The reports by group, patient and study; the id is the study's, such as ``"s50414267"``.
        A rejection stands for each file or folder of such a name that cannot be read.

    Raises:
        ReadError: At once, when there is no report in the tree.
    """
    found = _studies(files)
    first = next(found, None)
    nothing = f"{files}: a MIMIC-CXR tree without reports (p10/p10000032/s50414267.txt)"
    if first is None:
        raise ReadError(nothing)
    records = read_files(files, itertools.chain([first], found), on_read)
    return checked(records, sections, nothing)


def _inner(folder: Path, pattern: re.Pattern[str]) -> Iterator[str]:
    """Names of the folders inside a folder; none where it cannot be listed."""
    try:
        listed = entries(folder)
    except OSError:
        return
    for entry in listed:
        if entry.kind == "folder" and pattern.fullmatch(entry.name):
            yield entry.name


def _studies(files: Path) -> Iterator[tuple[str, str] | Rejected]:
    groups = _listed(files, "", _GROUP)
    for group in itertools.chain(groups, [""]):
        if isinstance(group, Rejected):
            yield group
            continue
        for patient in _listed(files, group, _PATIENT):
            if isinstance(patient, Rejected):
                yield patient
            else:
                yield from _of_patient(files, patient)


def _of_patient(files: Path, patient: str) -> Iterator[tuple[str, str] | Rejected]:
    try:
        listed = entries(files / patient)
    except OSError as error:
        yield Rejected(patient, None, f"cannot list the folder: {error.strerror}")
        return
    for entry in listed:
        if _STUDY.fullmatch(entry.name):
            study = entry.name.removesuffix(".txt")
            if entry.kind == "file":
                yield study, f"{patient}/{entry.name}"
            else:
                yield _not_followed(study, entry)


def _listed(files: Path, folder: str, pattern: re.Pattern[str]) -> Iterator[str | Rejected]:
    """The folders inside a folder, relative to the tree, or why one cannot be read."""
    try:
        listed = entries(files / folder)
    except OSError as error:
        yield Rejected(folder, None, f"cannot list the folder: {error.strerror}")
        return
    for entry in listed:
        if pattern.fullmatch(entry.name):
            relative = f"{folder}/{entry.name}" if folder else entry.name
            if entry.kind == "folder":
                yield relative
            elif entry.kind == "link":
                yield _not_followed(relative, entry)


def _not_followed(name: str, entry: Entry) -> Rejected:
    kind = "a symbolic link, which is not followed" if entry.kind == "link" else "no regular file"
    return Rejected(name, None, kind)
