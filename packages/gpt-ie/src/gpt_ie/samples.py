"""Real reports to try gpt-ie on, read in place from an installed package."""

import csv
import importlib.util
import io
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import IO

from gpt_ie.atomic import atomic_text
from gpt_ie.schema import GptIeError, Report

OPENI_COLUMNS = ("report_id", "findings", "impression")
_PACKAGE = "torchxrayvision"
_ARCHIVE = Path("data") / "NLMCXR_reports.tgz"
_LABELS = {"FINDINGS": "findings", "IMPRESSION": "impression"}


class SampleError(GptIeError):
    """The sample reports are not installed, or not as expected."""


def openi_archive() -> Path:
    """The archive of the Open-i reports inside the installed torchxrayvision package.

    The package is found without being imported, for that would import torch.

    Returns:
        Path of the archive.

    Raises:
        SampleError: When the package or the archive is missing; the message says how to install.
    """
    how = "install the extra: pip install 'gpt-ie[openi]' (or uv sync --extra openi)"
    spec: ModuleSpec | None = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SampleError(
            f"the Open-i reports come with the package {_PACKAGE!r}, which is not installed; {how}"
        )
    archive = Path(next(iter(spec.submodule_search_locations))) / _ARCHIVE
    if not archive.is_file():
        raise SampleError(
            f"the installed {_PACKAGE!r} has no {_ARCHIVE.as_posix()!r}; it needs version 1.4 or "
            f"later; {how}"
        )
    return archive


def openi_reports() -> Iterator[Report]:
    """The 3,955 reports of Open-i (Indiana University chest radiographs).

    Yields:
        Reports with the sections findings and impression, ordered by number (CXR1, CXR2, …). Some
        have neither text.

    Raises:
        SampleError: When the package is missing or the archive cannot be read.
    """
    for name, root in _openi_records():
        texts = {part.get("Label"): part.text or "" for part in root.iter("AbstractText")}
        yield Report(name, {column: texts.get(label, "") for label, column in _LABELS.items()})


def openi_codes() -> Iterator[tuple[str, tuple[str, ...]]]:
    """The MeSH codes that human readers gave to the reports of Open-i.

    Yields:
        A report's id and its codes, such as ``"Airspace Disease/lung/base/left"``, in the order of
        `openi_reports`; a code without an abnormality is ``"normal"``.

    Raises:
        SampleError: As `openi_reports`.
    """
    for name, root in _openi_records():
        yield name, tuple(code.text.strip() for code in root.iter("major") if code.text)


def _openi_records() -> list[tuple[str, ET.Element]]:
    """The id and the XML of each report, in the order of their numbers."""
    archive = openi_archive()
    records: list[tuple[str, ET.Element]] = []
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.name.endswith(".xml") else None
                if stream is not None:
                    records.append(_record(stream))
    except (OSError, tarfile.TarError, ET.ParseError, ValueError) as error:
        raise SampleError(
            f"cannot read {_ARCHIVE.name!r} of the installed {_PACKAGE!r} ({error}); reinstall it"
        ) from error
    return sorted(records, key=lambda record: int(record[0].removeprefix("CXR")))


def _record(stream: IO[bytes]) -> tuple[str, ET.Element]:
    root = ET.parse(stream).getroot()
    number = root.find("uId")
    if number is None:
        raise ValueError("a report has no uId")
    return number.attrib["id"], root


def write_openi(out: Path) -> int:
    """Write the Open-i reports as a CSV, atomically.

    Args:
        out: The CSV. One that is there already must be this same sample.

    Returns:
        Number of reports.

    Raises:
        SampleError: As `openi_reports`, and when another file has that name.
        OSError: When the file cannot be written.
    """
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(OPENI_COLUMNS)
    reports = list(openi_reports())
    for report in reports:
        writer.writerow((report.report_id, *report.sections.values()))
    text = table.getvalue()
    if out.exists() and out.read_bytes() != text.encode():
        raise SampleError(
            f"{str(out)!r} is there already and is not this sample; it stays as it is: give "
            "another name with --out, or remove it"
        )
    with atomic_text(out) as stream:
        stream.write(text)
    return len(reports)
