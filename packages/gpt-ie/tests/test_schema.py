import json

import pytest
from gpt_ie.schema import Evidence, ExtractedFinding, ReportFindings
from pydantic import ValidationError

# The line of DESIGN.md's format, with the version of the dictionary.
LINE = {
    "report_id": "a",
    "schema": 1,
    "engine": "rules@0.1.0",
    "knowledge": "0.2.0",
    "findings": [
        {
            "category": "pleural_effusion",
            "severity": "small",
            "side": "right",
            "region": "base",
            "presence": "present",
            "trend": None,
            "surface": "pleural effusion",
            "evidence": {"section": "findings", "start": 57, "end": 73, "text": "pleural effusion"},
        }
    ],
}


def test_json_has_the_fields_of_the_format_in_order():
    record = ReportFindings.model_validate(LINE)
    written = record.model_dump_json()
    assert json.loads(written) == LINE
    assert list(json.loads(written)) == list(LINE)
    assert list(json.loads(written)["findings"][0]) == list(LINE["findings"][0])
    assert ReportFindings.model_validate_json(written) == record


def test_the_version_of_the_dictionary_may_be_missing():
    line = {key: value for key, value in LINE.items() if key != "knowledge"}
    assert ReportFindings.model_validate(line).knowledge is None


@pytest.mark.parametrize(
    "change",
    [{"schema": 2}, {"extra": 1}, {"findings": [{"category": "x"}]}, {"report_id": 3}],
)
def test_another_format_is_refused(change: dict[str, object]):
    with pytest.raises(ValidationError):
        ReportFindings.model_validate({**LINE, **change})


def test_an_extracted_finding_is_frozen():
    finding = ExtractedFinding(
        category="nodule",
        surface="nodule",
        evidence=Evidence(section="text", start=0, end=6, text="nodule"),
    )
    with pytest.raises(ValidationError):
        finding.category = "mass"
