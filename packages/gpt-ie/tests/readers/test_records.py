import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from gpt_ie.readers import ReadError, read_reports
from gpt_ie.readers.records import checked
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.schema import Rejected, Report
from gpt_ie.sections import SECTIONS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
FREE = "HISTORY: Mass.\nFINDINGS: Small right\npleural effusion.\nIMPRESSION: Cardiomegaly."


def test_sections_of_a_text_are_kept_where_they_stand(
    write_csv: Callable[..., Path], engine: RulesEngine
):
    path = write_csv([["a", FREE]], ["id", "report"])
    (report,) = read_reports(path, sections=["findings"])
    assert isinstance(report, Report)
    assert report.row == 2
    assert len(report.sections["text"]) == len(FREE)
    (finding,) = engine.extract(report).findings
    assert (finding.category, finding.side) == ("pleural_effusion", "right")
    assert finding.evidence is not None
    evidence = finding.evidence
    # The evidence lies in the text as it stands in the file, over its line break.
    assert FREE[evidence.start : evidence.end] == evidence.text == "Small right\npleural effusion"


def test_a_text_without_the_sections_wanted_is_rejected(write_csv: Callable[..., Path]):
    path = write_csv([["a", "FINDINGS: Mass."], ["b", ""], ["c", "HISTORY: x"]], ["id", "report"])
    first, empty, last = read_reports(path, sections=["impression"])
    assert first == Rejected("a", 2, "no text under impression; it has findings")
    assert empty == Report("b", {"text": ""}, 3)
    assert last == Rejected("c", 4, "no text under impression")


def test_ids_that_utf8_cannot_carry_are_made_writable(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    rows = [{"id": "a\ud800", "text": "x"}, {"id": "b\ud800", "text": [1]}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    records = list(read_reports(path))
    assert [record.report_id for record in records] == ["a?", "b?"]
    assert all(isinstance(record, Rejected) for record in records)


def test_a_column_that_is_a_section_is_kept_whole():
    report = Report("a", {"impression": "HISTORY: none. Mass.", "note": "FINDINGS: x"}, 2)
    (kept,) = checked(iter([report]), {"impression"}, "nothing")
    assert kept == Report("a", {"impression": "HISTORY: none. Mass.", "note": " " * 11}, 2)


def test_no_record_is_a_read_error():
    with pytest.raises(ReadError, match="nothing there"):
        list(checked(iter([]), (), "nothing there"))


lines = st.sampled_from(
    ["FINDINGS:", "IMPRESSION", "History: ", "\n", "\n\n", "Small right effusion.", "No ", "mass",
     "\t", " Edema at the left base", "Addendum - ", "."]
)  # fmt: skip


@quick
@given(text=st.lists(lines, max_size=14).map("".join), wanted=st.sampled_from(SECTIONS))
def test_evidence_of_blanked_texts_lies_in_the_text_as_read(
    text: str, wanted: str, engine: RulesEngine, tmp_path: Path
):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"id": "1", "text": text}), encoding="utf-8")
    whole = {finding.category for finding in engine.extract(Report("1", {"text": text})).findings}
    with contextlib.suppress(ReadError):
        for report in read_reports(path, sections=[wanted]):
            if isinstance(report, Report):
                findings = engine.extract(report).findings
                for finding in findings:
                    assert finding.evidence is not None
                    evidence = finding.evidence
                    assert text[evidence.start : evidence.end] == evidence.text
                assert {finding.category for finding in findings} <= whole
