"""A report on disk: all four forms, the same every time."""

import json

import pytest
from medfilip_bench.report import write_report
from medfilip_bench.results import RunRecord


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """Without figures: they are tested elsewhere."""
    monkeypatch.setattr("medfilip_bench.report.page.figures", lambda record: ())


def test_all_forms_are_written(records, comparison, tmp_path):
    written = write_report(records, tmp_path, ["x: failed"], comparison=comparison)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "latex", "report.html", "report.md", "results.json",
    ]  # fmt: skip
    assert all(path.is_file() for path in written.latex)
    names = {path.stem for path in written.latex}
    assert {"summary", "table1_zero_shot_phantom", "compare_tasks_phantom"} <= names


def test_json_holds_the_records_and_the_summary(records, tmp_path):
    written = write_report(records, tmp_path, ["x: failed"])
    held = json.loads(written.json.read_text(encoding="utf-8"))
    assert held["failures"] == ["x: failed"]
    assert len(held["records"]) == len(records)
    assert "series" not in held["records"][0]
    again = [RunRecord.model_validate(record) for record in held["records"]]
    assert [r.metrics for r in again] == [r.metrics for r in records]
    assert held["summary"]["columns"][0] == "figure"


def test_the_same_records_are_the_same_files(records, tmp_path):
    one, other = (write_report(records, tmp_path / name) for name in "ab")
    for name in ("html", "markdown", "json"):
        assert getattr(one, name).read_bytes() == getattr(other, name).read_bytes()


def test_one_record_is_a_report(maker, tmp_path):
    written = write_report([maker().extraction()], tmp_path)
    assert "Extraction from reports" in written.html.read_text(encoding="utf-8")
    assert [path.stem for path in written.latex] == ["summary"]


def test_a_report_that_is_there_is_left_and_any_change_makes_it_anew(maker, tmp_path):
    records = [maker().extraction()]

    def stamp(*failures):
        written = write_report(records, tmp_path, failures)
        return written, written.html.stat().st_ino

    first, one = stamp()
    again, other = stamp()
    assert (first, one) == (again, other)
    _, failed = stamp("x: failed")
    assert failed != one
    assert "x: failed" in first.html.read_text(encoding="utf-8")
    first.latex[0].unlink()
    assert stamp("x: failed")[1] != failed
    assert first.latex[0].is_file()


def test_another_template_makes_it_anew(maker, tmp_path, monkeypatch):
    records = [maker().extraction()]
    before = write_report(records, tmp_path).html.stat().st_ino
    monkeypatch.setattr("medfilip_bench.report.write.report_hash", lambda: "another")
    assert write_report(records, tmp_path).html.stat().st_ino != before


@pytest.mark.parametrize("held", ["", "[]", "{}", "null", '{"key": 1}'])
def test_another_results_json_is_written_over(maker, tmp_path, held):
    (tmp_path / "results.json").write_text(held)
    written = write_report([maker().extraction()], tmp_path)
    assert "records" in json.loads(written.json.read_text(encoding="utf-8"))
