"""What human readers said of the reports: the gold that an extraction is measured against."""

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from iki_knowledge import Finding, KnowledgeBase

from gpt_ie.samples import openi_codes, openi_reports
from gpt_ie.schema import GptIeError, Report, ReportFindings

Split = Literal["dev", "test"]

# They say nothing of the patient; a report that has no other code is left out.
OPENI_DROPPED = ("No Indexing", "Technical Quality of Image Unsatisfactory")
_TEST_IDS = "openi-testset.txt"
_NEGBIO_CSV = "openi_gld_std14.csv"
_GET_THEM = (
    "take it from examples/ of the NegBio project (github.com/ncbi-nlp/NegBio), put it into a "
    "folder openi_negbio/, and set MEDFILIP_DATA to the folder that openi_negbio/ lies in"
)
# How a calcified nodule was coded, by two codes; see `_calcified`.
_CALCIFIED_NODULE = "Calcified Granuloma"
_DENSITIES = frozenset({"Density", "Opacity"})
_NOT_PLACES = frozenset({"round", "multiple"})
# NegBio's label -> the dictionary's categories that answer it.
NEGBIO_LABELS: Mapping[str, frozenset[str]] = {
    "Atelectasis": frozenset({"atelectasis", "lobar_collapse"}),
    "Cardiomegaly": frozenset({"cardiomegaly"}),
    "Effusion": frozenset({"pleural_effusion", "loculated_effusion", "hemothorax", "empyema"}),
    "Infiltration": frozenset({"infiltration"}),
    "Mass": frozenset({"mass", "lung_tumor"}),
    "Nodule": frozenset({"nodule", "multiple_nodules"}),
    "Pneumonia": frozenset({"pneumonia", "viral_pneumonia", "covid19"}),
    "Pneumothorax": frozenset({"pneumothorax", "tension_pneumothorax"}),
    "Consolidation": frozenset({"consolidation"}),
    "Edema": frozenset({"pulmonary_edema"}),
    "Emphysema": frozenset({"emphysema"}),
    "Fibrosis": frozenset({"pulmonary_fibrosis"}),
    "Pleural_Thickening": frozenset({"pleural_thickening", "fissural_thickening"}),
    "Hernia": frozenset({"hernia"}),
}


class GoldError(GptIeError):
    """The gold is missing or not as expected."""


@dataclass(frozen=True, slots=True)
class Gold:
    """The findings of each report, as a person gave them.

    Attributes:
        name: What it is, for the head of a report.
        findings: Report id -> its findings; a report without any has an empty tuple.
        normal: Ids of the reports that are said to show nothing abnormal.
        states_absent: Whether denied findings are listed too. Where they are not, what a
            prediction denies is not scored.
        scope: The categories that it can state; None for all. What a prediction says outside of
            it is counted apart and not scored.
        unread: Statements that name no category, by their words; they are not scored.
        severities: A severity that the gold has no word for -> the one it uses in its place, which
            a prediction is compared by.
    """

    name: str
    findings: Mapping[str, tuple[Finding, ...]]
    normal: frozenset[str]
    states_absent: bool
    scope: frozenset[str] | None
    unread: Mapping[str, int]
    severities: Mapping[str, str] = field(default_factory=dict[str, str])


def gold_of_findings(records: Iterable[ReportFindings], name: str) -> Gold:
    """The findings of a ``findings.jsonl`` as gold, such as one that a person corrected.

    Args:
        records: One a report.
        name: What to call it.

    Returns:
        The gold; a report in which nothing is present or uncertain counts as normal.

    Raises:
        GoldError: When a report comes twice, or there is none.
    """
    findings: dict[str, tuple[Finding, ...]] = {}
    for record in records:
        if record.report_id in findings:
            raise GoldError(f"{name}: report {record.report_id!r} comes twice; keep one of them")
        findings[record.report_id] = record.findings
    if not findings:
        raise GoldError(f"{name}: there is no report in it")
    normal = frozenset(
        report_id
        for report_id, found in findings.items()
        if all(finding.presence == "absent" for finding in found)
    )
    return Gold(name, findings, normal, states_absent=True, scope=None, unread={})


def openi_gold(kb: KnowledgeBase, split: Split, data: Path | None = None) -> Gold:
    """The MeSH codes that human readers gave to the reports of Open-i.

    Each code is read by the dictionary's table ``openi_mesh``: the heading with its qualifiers
    names the category, and the qualifiers the severity, side and region. The coders listed what
    is positive, and mostly what is uncertain too, without telling one from the other.

    MeSH's qualifiers have no word below "mild", so "minimal" and "tiny" were coded as mild: a
    prediction's ``trace`` is compared as ``mild``.

    Left out are reports without text, and those whose only codes are "No Indexing" or "Technical
    Quality of Image Unsatisfactory". Codes that the table maps to no category are counted in
    `unread`.

    Args:
        kb: The dictionary.
        split: "test" for NegBio's 771 ids, which are for a final figure only; "dev" for the others.
        data: The data root, with ``openi_negbio/openi-testset.txt``; None for MEDFILIP_DATA.

    Returns:
        The gold; its scope is every category that the table names.

    Raises:
        GoldError: As `openi_test_ids`.
        SampleError: When the Open-i reports are not installed.
    """
    chosen = _in_split(split, data)
    texts = {report.report_id for report in openi_reports() if _has_text(report)}
    read = _CodeReader(kb)
    findings: dict[str, tuple[Finding, ...]] = {}
    normal: set[str] = set()
    for name, codes in openi_codes():
        kept = [code for code in codes if code.split("/")[0].strip() not in OPENI_DROPPED]
        if kept and name in texts and chosen(name):
            findings[name] = read(kept)
            if kept == ["normal"]:
                normal.add(name)
    return Gold(
        name=f"Open-i MeSH codes, {split}",
        findings=findings,
        normal=frozenset(normal),
        states_absent=False,
        scope=frozenset(kb.classes("openi_mesh").values()),
        unread=read.unread,
        severities={"trace": "mild"},
    )


def openi_gold_reports(gold: Gold) -> Iterator[Report]:
    """The Open-i reports that a gold scores.

    Args:
        gold: From `openi_gold`.

    Returns:
        The reports, in the order of their numbers.

    Raises:
        SampleError: When the Open-i reports are not installed.
    """
    return (report for report in openi_reports() if report.report_id in gold.findings)


def openi_test_ids(data: Path | None = None) -> frozenset[str]:
    """NegBio's 771 test ids of Open-i.

    Args:
        data: The data root; None for MEDFILIP_DATA.

    Returns:
        The ids, such as ``"CXR29"``.

    Raises:
        GoldError: When the data root is not set or the file is missing.
    """
    return frozenset(_text(negbio_folder(data) / _TEST_IDS).split())


def negbio_gold(folder: Path) -> dict[str, frozenset[str]]:
    """NegBio's 14 labels of Open-i, which it made from the MeSH codes.

    Args:
        folder: With ``openi_gld_std14.csv``.

    Returns:
        Report id -> the labels that are positive.

    Raises:
        GoldError: When the file is missing or lacks a column.
    """
    path = folder / _NEGBIO_CSV
    rows = csv.DictReader(_text(path).splitlines())
    lacking = {"filename", *NEGBIO_LABELS} - set(rows.fieldnames or ())
    if lacking:
        names = ", ".join(map(repr, sorted(lacking)))
        raise GoldError(f"{path}: no column {names}; is it NegBio's table of 14 labels?")
    return {
        row["filename"]: frozenset(label for label in NEGBIO_LABELS if row[label] == "1")
        for row in rows
    }


def negbio_folder(data: Path | None = None) -> Path:
    """The folder ``openi_negbio`` under the data root.

    Args:
        data: The data root; None for MEDFILIP_DATA.

    Returns:
        The folder, which may not be there.

    Raises:
        GoldError: When there is no data root.
    """
    if data is None:
        root = os.environ.get("MEDFILIP_DATA")
        if not root:
            raise GoldError(
                f"Open-i is scored by NegBio's split, {_TEST_IDS!r}, and MEDFILIP_DATA does not "
                f"say where that file is: {_GET_THEM}"
            )
        data = Path(root)
    return data / "openi_negbio"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise GoldError(f"cannot read {str(path)!r}: {error.strerror}; {_GET_THEM}") from error
    except UnicodeDecodeError as error:
        raise GoldError(f"{path}: byte {error.start} is not UTF-8") from error


def _in_split(split: str, data: Path | None) -> Callable[[str], bool]:
    if split not in get_args(Split):
        raise GoldError(f"no split {split!r}; there are {', '.join(get_args(Split))}")
    test = openi_test_ids(data)
    return lambda name: (name in test) == (split == "test")


def _has_text(report: Report) -> bool:
    return any(text.strip() for text in report.sections.values())


class _CodeReader:
    """Reads MeSH codes, each different one once, and counts those without a category."""

    def __init__(self, kb: KnowledgeBase) -> None:
        self._kb = kb
        self._known: dict[str, Finding | None] = {"normal": None}
        self.unread: dict[str, int] = {}

    def __call__(self, codes: Iterable[str]) -> tuple[Finding, ...]:
        found: list[Finding] = []
        for code in _calcified(list(codes)):
            if code not in self._known:
                self._known[code] = self._kb.read_label("openi_mesh", code)
            finding = self._known[code]
            if finding is not None:
                found.append(finding)
            elif code != "normal":
                self.unread[code] = self.unread.get(code, 0) + 1
        return tuple(found)


def _calcified(codes: Sequence[str]) -> list[str]:
    """The codes, with two that describe one calcified nodule put together.

    MeSH has no heading for it: the coders wrote "Nodule" (or a round density or opacity) and
    "Calcinosis" with the same qualifiers. Apart they would be a nodule that is not calcified and
    a calcification of no nodule.

    Args:
        codes: Of one report.

    Returns:
        The codes in their order; a pair stands where its first stood, as "Calcified Granuloma".
    """
    calcified = {_qualifiers(code): code for code in codes if code.startswith("Calcinosis/")}
    paired: set[str] = set()
    found: list[str] = []
    for code in codes:
        partner = calcified.get(_qualifiers(code)) if _is_nodule(code) else None
        if partner is not None:
            paired.add(partner)
            code = "/".join((_CALCIFIED_NODULE, *code.split("/")[1:]))
        found.append(code)
    return [code for code in found if code not in paired]


def _is_nodule(code: str) -> bool:
    heading, *qualifiers = code.split("/")
    return heading == "Nodule" or (heading in _DENSITIES and "round" in qualifiers)


def _qualifiers(code: str) -> frozenset[str]:
    """The qualifiers of a code less those of number and shape, which the pairs leave out."""
    return frozenset(code.split("/")[1:]) - _NOT_PLACES
