"""The page's data, its escaping, and, where a browser is there, the page itself."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.schema import ExtractedFinding, Rejected, Report, ReportFindings
from gpt_ie.view import ViewError, to_html, write_view
from hypothesis import given, settings
from hypothesis import strategies as st

HOSTILE = (
    "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    "<!--<script> ]]> $data $title \\u003c 😀 Small right pleural effusion. No pneumothorax.\u2028"
)


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def utf16(text: str, start: int, end: int) -> str:
    """A slice as JavaScript counts it."""
    return text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")


@pytest.fixture
def findings(tmp_path: Path, engine: RulesEngine) -> tuple[Path, list[Report]]:
    reports = [
        Report("a", {"findings": HOSTILE, "impression": ""}),
        Report("b", {"findings": "Lungs are clear.", "impression": "Normal."}),
        Report("c", {"findings": "Possible pneumonia at the left base.", "impression": ""}),
    ]
    path = tmp_path / "x.findings.jsonl"
    records = [engine.extract(report) for report in reports]
    path.write_text("".join(f"{record.model_dump_json()}\n" for record in records), "utf-8")
    return path, reports


def test_evidence_stands_where_javascript_finds_it(findings: tuple[Path, list[Report]]):
    path, reports = findings
    out = path.with_name("x.html")
    summary = write_view(path, reports, out)
    page = out.read_text("utf-8")
    assert (summary.reports, summary.left_out, summary.without_text) == (3, 0, 0)
    assert summary.size == out.stat().st_size
    data = data_of(page)
    assert [report["id"] for report in data["reports"]] == ["a", "b", "c"]
    first = data["reports"][0]
    assert first["s"] == [["findings", HOSTILE]]
    quoted = {f["c"]: utf16(HOSTILE, *f["e"][1:]) for f in first["f"]}
    assert quoted["pleural_effusion"] == "Small right pleural effusion"
    assert quoted["pneumothorax"].endswith("pneumothorax")
    effusion = next(f for f in first["f"] if f["c"] == "pleural_effusion")
    assert effusion == {
        "c": "pleural_effusion",
        "p": "present",
        "d": ["small", "right", None, None],
        "e": effusion["e"],
    }


def test_report_text_is_never_markup(findings: tuple[Path, list[Report]]):
    path, reports = findings
    write_view(path, reports, path.with_name("x.html"), title='<b>& "mine" $data')
    page = path.with_name("x.html").read_text("utf-8")
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "<img" not in page
    assert "<b>" not in page
    assert html.escape('<b>& "mine" $data') in page


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.text(max_size=20))
@settings(deadline=None)
def test_any_text_comes_back_as_it_was(text: str, title: str):
    record = ReportFindings(report_id="</script>" + title, engine="e@1")
    page = to_html([record], {record.report_id: {"text": "x" + text}}, title)
    one = data_of(page)["reports"][0]
    assert one["s"] == [["text", "x" + text]]
    assert page.count("</script>") == 2
    page.encode("utf-8")


def test_the_policy_allows_this_script_and_nothing_else(findings: tuple[Path, list[Report]]):
    path, reports = findings
    write_view(path, reports, path.with_name("x.html"))
    page = path.with_name("x.html").read_text("utf-8")
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page
    assert "http" not in re.sub(r"http-equiv", "", page)


def test_evidence_without_its_text_is_quoted(findings: tuple[Path, list[Report]]):
    path, reports = findings
    others = [Report("c", {"findings": "Another text."}), Rejected("a", 2, "bad")]
    out = path.with_name("x.html")
    summary = write_view(path, [*others, reports[1]], out)
    assert summary.without_text == 1
    data = data_of(out.read_text("utf-8"))
    assert data["reports"][0]["s"] == []
    assert "Small right pleural effusion" in {f.get("q") for f in data["reports"][0]["f"]}
    assert all("e" not in f for f in data["reports"][2]["f"])


def test_unsupported_findings_say_why():
    bare = ExtractedFinding(category="mass", surface="mass", evidence=None)
    page = to_html([ReportFindings(report_id="a", engine="e", findings=(bare,))], {}, "t")
    assert data_of(page)["reports"][0]["f"] == [{"c": "mass", "p": "present", "u": "no_evidence"}]


def test_more_than_the_limit_is_told(findings: tuple[Path, list[Report]]):
    path, reports = findings
    out = path.with_name("x.html")
    summary = write_view(path, reports, out, limit=2)
    assert (summary.reports, summary.left_out) == (2, 1)
    assert data_of(out.read_text("utf-8"))["leftOut"] == 1


def test_what_cannot_be_shown(findings: tuple[Path, list[Report]], tmp_path: Path):
    path, reports = findings
    with pytest.raises(ViewError, match=r"ends in '.pdf'"):
        write_view(path, reports, tmp_path / "x.pdf")
    with pytest.raises(ViewError, match="limit is 0"):
        write_view(path, reports, tmp_path / "x.html", limit=0)
    with pytest.raises(ViewError, match="No such file"):
        write_view(path, reports, tmp_path / "no" / "x.html")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(ViewError, match="holds no report"):
        write_view(tmp_path / "empty.jsonl", reports, tmp_path / "x.html")


@pytest.mark.slow
def test_a_browser_shows_it_and_runs_nothing_of_the_reports(findings: tuple[Path, list[Report]]):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium to look at the page with")
    path, reports = findings
    out = path.with_name("x.html")
    write_view(path, reports, out, title="mine")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    # The browser's last writes may come after its end.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command += [f"--user-data-dir={profile}", out.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    shown = done.stdout
    assert "<title>mine</title>" in shown
    assert shown.count("<article") == 3
    marks = re.findall(r'<mark class="(\w+)"[^>]*>([^<]*)</mark>', shown)
    assert ("present", "Small right pleural effusion") in marks
    assert any(kind == "absent" and "pneumothorax" in text for kind, text in marks)
    assert "uncertain" in {kind for kind, _ in marks}
