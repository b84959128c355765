from pathlib import Path

import pytest
from gpt_ie.pipeline import extract
from gpt_ie.schema import (
    EngineError,
    EngineUnavailableError,
    Evidence,
    ExtractedFinding,
    Rejected,
    Report,
    ReportFindings,
)
from gpt_ie.store import StoreError, failed_path, journal_path

REPORTS: list[Report | Rejected] = [
    *(Report(str(number), {"text": "A nodule."}, number + 2) for number in range(20)),
    Report("0", {"text": "Twice there."}, 22),
    Report("x", {"text": " "}, 23),
    Rejected(None, 24, "the report id is empty"),
    Report("20", {"text": "A nodule."}, 25),
]


class Picky:
    """An engine that fails on some reports."""

    name = "picky@1"
    key = "picky@1"

    def __init__(self, failing: set[str], *, gives_up_at: str | None = None) -> None:
        self.failing = failing
        self.gives_up_at = gives_up_at
        self.calls: list[str] = []

    def extract(self, report: Report) -> ReportFindings:
        self.calls.append(report.report_id)
        if report.report_id == self.gives_up_at:
            raise EngineUnavailableError("no more")
        if report.report_id in self.failing:
            raise EngineError("no answer")
        evidence = Evidence(section="text", start=2, end=8, text="nodule")
        finding = ExtractedFinding(category="nodule", surface="nodule", evidence=evidence)
        return ReportFindings(report_id=report.report_id, engine=self.name, findings=(finding,))


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """The output of a run in which nothing that can succeed failed."""
    out = tmp_path / "whole.jsonl"
    extract(REPORTS, Picky(set()), out)
    return out


def same(out: Path, whole: Path) -> bool:
    return (out.read_bytes(), failed_path(out).read_bytes()) == (
        whole.read_bytes(),
        failed_path(whole).read_bytes(),
    )


def test_only_failures_are_extracted_and_they_go_to_their_places(tmp_path: Path, whole: Path):
    out = tmp_path / "x.jsonl"
    extract(REPORTS, Picky({"0", "3", "7", "20"}), out)
    better = Picky({"7"})
    summary = extract(REPORTS, better, out, retry_failed=True)
    assert better.calls == ["0", "3", "7", "20"]
    assert (summary.reports, summary.failed, summary.resumed) == (24, 4, 17)
    assert summary.findings == 20
    assert not same(out, whole)
    last = Picky(set())
    extract(REPORTS, last, out, retry_failed=True)
    assert last.calls == ["7"]
    assert same(out, whole)
    assert not journal_path(out).exists()


def test_a_retry_that_is_cut_off_is_taken_up(tmp_path: Path, whole: Path):
    out = tmp_path / "x.jsonl"
    extract(REPORTS, Picky({"0", "3", "7", "20"}), out)
    before = out.read_bytes()
    stopped = extract(REPORTS, Picky(set(), gives_up_at="7"), out, retry_failed=True)
    assert stopped.stopped == "no more"
    assert out.read_bytes() == before
    with pytest.raises(StoreError, match="retried failures only"):
        extract(REPORTS, Picky(set()), out)
    engine = Picky(set())
    extract(REPORTS, engine, out, retry_failed=True)
    assert engine.calls == ["7", "20"]
    assert same(out, whole)


def test_a_kill_between_the_two_renamings_is_mended(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "x.jsonl"
    extract(REPORTS, Picky({"0", "3", "20"}), out)
    real = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if target == out:
            raise KeyboardInterrupt
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            extract(REPORTS, Picky(set()), out, retry_failed=True)
    engine = Picky(set())
    extract(REPORTS, engine, out, retry_failed=True)
    assert engine.calls == []
    assert same(out, whole)


def test_nothing_failed_and_nothing_is_there(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    reports = REPORTS[:20]
    extract(reports, Picky(set()), out)
    before = out.read_bytes()
    engine = Picky(set())
    assert extract(reports, engine, out, retry_failed=True).resumed == 20
    assert (engine.calls, out.read_bytes()) == ([], before)
    with pytest.raises(StoreError, match="only the failures of a finished run"):
        extract(reports, engine, tmp_path / "none.jsonl", retry_failed=True)


@pytest.mark.parametrize(
    ("reports", "problem"),
    [
        ([*REPORTS[:5], *REPORTS[6:]], "'6' is not next in it"),
        ([Report("new", {"text": "A nodule."}), *REPORTS], "'new' is not next in it"),
        ([Report("0", {"text": "The nodule."}), *REPORTS[1:]], "the text of '0' is another now"),
        (REPORTS[:15], "fewer reports"),
        ([*REPORTS, Rejected(None, 26, "no id")], "None is not next in it"),
    ],
)
def test_other_reports_are_refused_and_the_output_stays(
    tmp_path: Path, reports: list[Report | Rejected], problem: str
):
    out = tmp_path / "x.jsonl"
    extract(REPORTS, Picky({"3"}), out)
    before = out.read_bytes(), failed_path(out).read_bytes()
    with pytest.raises(StoreError, match=problem):
        extract(reports, Picky(set()), out, retry_failed=True)
    assert (out.read_bytes(), failed_path(out).read_bytes()) == before


def test_a_row_that_failed_is_told_by_its_place_too(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    bad = [Rejected(None, 2, "no id"), Report("a", {"text": "A nodule."}, 3)]
    extract(bad, Picky(set()), out)
    moved = [Rejected(None, 9, "no id"), bad[1]]
    with pytest.raises(StoreError, match="None is not next in it"):
        extract(moved, Picky(set()), out, retry_failed=True)


@pytest.mark.parametrize("last", ["good", "bad"])
def test_reports_that_are_gone_from_the_end_are_missed(tmp_path: Path, last: str):
    out = tmp_path / "x.jsonl"
    reports = [Report(name, {"text": "A nodule."}, row) for row, name in enumerate("abc", 2)]
    extract(reports, Picky({"c"} if last == "bad" else set()), out)
    with pytest.raises(StoreError, match="the input has fewer reports now"):
        extract(reports[:2], Picky(set()), out, retry_failed=True)


def test_files_of_another_kind_are_named(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    extract(REPORTS, Picky({"3"}), out)
    failed_path(out).write_text("[]\n")
    with pytest.raises(StoreError, match="is no file of failures"):
        extract(REPORTS, Picky(set()), out, retry_failed=True)
    extract(REPORTS, Picky({"3"}), out, resume=False)
    out.write_text('{"report_id": "0"}\n')
    with pytest.raises(StoreError, match="is no file of findings"):
        extract(REPORTS, Picky(set()), out, retry_failed=True)
