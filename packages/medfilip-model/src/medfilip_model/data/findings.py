"""findings.jsonl: what an extractor read in each report, joined to images by ``report_id``."""

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from iki_knowledge import Finding, KnowledgeBase
from iki_knowledge.errors import IkiError
from pydantic import ValidationError

from medfilip_model.data.samples import ImageSet, Sample, Split
from medfilip_model.errors import DataError

_SCHEMA = 1


@dataclass(frozen=True)
class Joined:
    """Images that took over the findings of a file.

    Attributes:
        images: The images, with the findings of the file.
        without_report: Images whose id is not in the file: nothing is known of them.
        without_image: Reports whose id is no image's.
    """

    images: ImageSet
    without_report: tuple[str, ...]
    without_image: tuple[str, ...]


def read_findings(path: Path, kb: KnowledgeBase) -> dict[str, tuple[Finding, ...]]:
    """Read a findings.jsonl (DESIGN's format, one report a line).

    Args:
        path: The file.
        kb: Dictionary that must know every category, severity, side and region.

    Returns:
        Report id -> findings, in the order of the file.

    Raises:
        DataError: Naming the line: no JSON, another schema, an unknown category, an id twice.
    """
    findings: dict[str, tuple[Finding, ...]] = {}
    for number, line in _lines(path):
        where = f"{path} line {number}"
        report_id, found = _read_line(line, kb, where)
        if report_id in findings:
            raise DataError(f"{where}: report_id {report_id!r} occurs a second time")
        findings[report_id] = found
    if not findings:
        raise DataError(f"{path} holds no report")
    return findings


def with_findings(
    images: ImageSet, findings: Mapping[str, tuple[Finding, ...]], splits: tuple[Split, ...]
) -> Joined:
    """Replace the findings of the images in some splits by those of a findings file.

    Args:
        images: The images.
        findings: Report id -> findings; a report id is the id of an image, or of a study, all of
            whose images take over its findings.
        splits: Splits that take over the findings; the others keep their own.

    Returns:
        The images, and the ids that have no partner on the other side.

    Raises:
        DataError: If not one id of the file is an image's id.
    """
    taking = [sample for sample in images.samples if sample.split in splits]
    without = [sample.id for sample in taking if _report_id(sample, findings) is None]
    if len(without) == len(taking):
        studies = {sample.study_id for sample in taking if sample.study_id is not None}
        hint = f", their studies {_example(studies)}" if studies else ""
        raise DataError(
            f"no report_id of the findings file is the id of an image: the file has "
            f"{_example(findings)}, the images are called {_example(set(without))}{hint}"
        )

    def joined(sample: Sample) -> Sample:
        if sample.split not in splits:
            return sample
        name = _report_id(sample, findings)
        return replace(sample, findings=None if name is None else findings[name])

    asked = {_report_id(sample, findings) for sample in images.samples}
    return Joined(
        images=images.map(joined),
        without_report=tuple(sorted(without)),
        without_image=tuple(name for name in findings if name not in asked),
    )


def _report_id(sample: Sample, reports: Container[str]) -> str | None:
    """The name under which a sample has a report: its own before that of its study."""
    names = (sample.id, sample.study_id)
    return next((name for name in names if name is not None and name in reports), None)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8") as file:
            yield from ((n, line) for n, line in enumerate(file, start=1) if line.strip())
    except OSError as error:
        raise DataError(f"cannot read the findings file {str(path)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start} of a block)") from error


def _read_line(line: str, kb: KnowledgeBase, where: str) -> tuple[str, tuple[Finding, ...]]:
    try:
        report = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where} is no JSON: {error.msg} at column {error.colno}") from error
    if not isinstance(report, dict) or not {"report_id", "findings"} <= report.keys():
        raise DataError(f'{where} needs "report_id" and "findings", as gpt-ie extract writes them')
    if report.get("schema", _SCHEMA) != _SCHEMA:
        raise DataError(f"{where} has schema {report['schema']!r}; this version reads {_SCHEMA}")
    if not isinstance(report["findings"], list):
        raise DataError(f"{where}: findings is {report['findings']!r}, not a list")
    found = tuple(read_finding(entry, kb, where) for entry in report["findings"])
    return str(report["report_id"]), found


def read_finding(entry: object, kb: KnowledgeBase, where: str) -> Finding:
    """Validate one finding as JSON has it.

    Args:
        entry: The parsed object; evidence and surface form, which say where a finding was read, are
            of no use here and left out.
        kb: Dictionary that must know its category, severity, side and region.
        where: Where it stands, for the message.

    Raises:
        DataError: If it is no finding of the dictionary.
    """
    known = Finding.model_fields
    if not isinstance(entry, dict):
        raise DataError(f"{where}: a finding is {entry!r}, not an object")
    try:
        finding = Finding.model_validate({k: v for k, v in entry.items() if k in known})
        # Explaining it checks the category and every term against the dictionary.
        kb.explain(
            finding.category, severity=finding.severity, side=finding.side, region=finding.region
        )
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(str(part) for part in fault["loc"])
        raise DataError(f"{where}: {name} = {fault['input']!r}: {fault['msg']}") from error
    except IkiError as error:
        raise DataError(f"{where}: {error}") from error
    return finding


def _example(ids: Mapping[str, object] | set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(ids)[:2]) + (" …" if len(ids) > 2 else "")
