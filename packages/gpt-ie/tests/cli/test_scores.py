import json
from collections.abc import Callable
from pathlib import Path

import pytest
from gpt_ie.cli import app
from typer.testing import CliRunner

ROWS = [["a", "Small left effusion.", "No pneumothorax."], ["b", "Mild edema.", ""]]


def run(*args: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def extracted(write_csv: Callable[..., Path]) -> tuple[Path, Path]:
    reports = write_csv(ROWS)
    assert run("extract", reports)[0] == 0
    return reports, reports.with_name("reports.findings.jsonl")


def test_a_file_against_a_corrected_one(extracted: tuple[Path, Path], tmp_path: Path):
    reports, found = extracted
    lines = [json.loads(line) for line in found.read_text("utf-8").splitlines()]
    lines[1]["findings"] = []
    gold = tmp_path / "gold.jsonl"
    gold.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    code, stdout, stderr = run(
        "evaluate", found, gold, "--resamples", "20", "--out", tmp_path / "scores",
        "--errors", tmp_path / "errors.csv", "--reports", reports,
    )  # fmt: skip
    assert code == 0
    assert "| category | 1 | 2 |" in stdout
    assert stderr.count("written to") == 3
    assert "Mild edema." in (tmp_path / "errors.csv").read_text("utf-8")
    data = json.loads(run("evaluate", found, gold, "--resamples", "0", "--json")[1])
    assert data["reports"] == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "give PRED and GOLD"),
        (("--errors", "e.csv", "GOLD"), "--errors needs the reports' text"),
        (("none.jsonl",), "cannot read"),
    ],
)
def test_wrong_usage_of_evaluate(extracted: tuple[Path, Path], args, message):
    _, found = extracted
    given = [str(found) if arg == "GOLD" else arg for arg in args]
    code, stdout, stderr = run("evaluate", found, *given)
    assert (code, stdout) == (2, "")
    assert message in stderr


def test_view_writes_one_page(extracted: tuple[Path, Path]):
    reports, found = extracted
    code, stdout, stderr = run("view", found, "--reports", reports)
    assert (code, stderr) == (0, "")
    assert stdout.startswith("2 reports, 3 findings")
    page = found.with_suffix(".html").read_text("utf-8")
    assert "Small left effusion." in page
    code, _, stderr = run("view", found, "--reports", reports, "--out", "page.txt")
    assert code == 2
    assert "the page ends in .html" in stderr
