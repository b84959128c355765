"""Made-up reports with a gold and predictions whose figures can be counted by hand."""

from collections.abc import Callable, Sequence

import pytest
from gpt_ie.gold import Gold
from gpt_ie.schema import Evidence, ExtractedFinding, Report, ReportFindings
from iki_knowledge import Finding

REPORTS = (
    Report("1", {"findings": "Small left effusion. There is a granuloma.", "impression": ""}),
    Report("2", {"findings": "No effusion. A nodule or an infiltrate, dense.", "impression": ""}),
    Report("3", {"findings": "Lungs are clear. Possible mass.", "impression": ""}),
    Report("4", {"findings": "Nothing to see here.", "impression": ""}),
)


@pytest.fixture
def said() -> Callable[..., ExtractedFinding]:
    """A finding with evidence that is found in one of `REPORTS`, or without."""

    def make(category: str, report: int, words: str | None, **slots: object) -> ExtractedFinding:
        evidence = None
        if words is not None:
            text = REPORTS[report - 1].sections["findings"]
            start = text.index(words)
            end = start + len(words)
            evidence = Evidence(section="findings", start=start, end=end, text=words)
        return ExtractedFinding.model_validate(
            {"category": category, "surface": words or "", "evidence": evidence, **slots}
        )

    return make


@pytest.fixture
def gold() -> Gold:
    findings: dict[str, Sequence[Finding]] = {
        "1": [
            Finding(category="pleural_effusion", severity="small", side="left"),
            Finding(category="granuloma"),
        ],
        "2": [Finding(category="lung_opacity", side="left")],
        "3": [],
        "4": [Finding(category="hernia")],
    }
    return Gold(
        name="by hand",
        findings={name: tuple(found) for name, found in findings.items()},
        normal=frozenset({"3"}),
        states_absent=False,
        scope=frozenset({"pleural_effusion", "granuloma", "lung_opacity", "hernia", "mass"}),
        unread={"Heart/obscured": 1},
        severities={"trace": "mild"},
    )


@pytest.fixture
def records(said: Callable[..., ExtractedFinding]) -> list[ReportFindings]:
    def record(name: str, *findings: ExtractedFinding) -> ReportFindings:
        return ReportFindings(report_id=name, engine="e@1", findings=findings)

    return [
        record(
            "1",
            said("pleural_effusion", 1, "Small left effusion", severity="mild", side="left"),
            said("granuloma", 1, "granuloma"),
        ),
        record(
            "2",
            said("pleural_effusion", 2, "effusion", presence="absent"),
            said("infiltration", 2, "infiltrate", presence="uncertain"),
            said("goiter", 2, "dense"),
            said("dextrocardia", 2, "dense", presence="absent"),
        ),
        record(
            "3",
            said("mass", 3, "mass", presence="uncertain", side="left"),
            said("mass", 3, "mass", presence="present", side="right"),
            said("hernia", 3, None, presence="absent", unsupported="negated"),
        ),
        record("elsewhere"),
    ]


@pytest.fixture
def reports() -> list[Report]:
    return list(REPORTS)
