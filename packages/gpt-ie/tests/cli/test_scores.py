"""`gpt-ie evaluate` and `gpt-ie view`."""

import csv
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gpt_ie import gold
from gpt_ie.cli import app
from gpt_ie.schema import Report
from typer.testing import CliRunner

# Made up, in the form of Open-i: reports, their human codes, and the ids that are for testing.
OPENI = {
    "CXR1": ("There is a small left pleural effusion. No pneumothorax.", "Pleural Effusion/left"),
    "CXR2": ("Normal heart size.", "normal"),
    "CXR3": ("Cardiomegaly. Calcified granuloma.", "Cardiomegaly"),
    "CXR4": ("A hiatal hernia.", "Hernia, Hiatal"),
}
TEST_IDS = "CXR3\nCXR4\n"

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


@pytest.fixture
def openi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up Open-i in place of the installed one, and its reports as a CSV."""
    folder = tmp_path / "data" / "openi_negbio"
    folder.mkdir(parents=True)
    (folder / "openi-testset.txt").write_text(TEST_IDS, "utf-8")
    monkeypatch.setenv("MEDFILIP_DATA", str(tmp_path / "data"))
    rows = [Report(name, {"findings": text, "impression": ""}) for name, (text, _) in OPENI.items()]
    monkeypatch.setattr(gold, "openi_reports", lambda: iter(rows))
    monkeypatch.setattr(
        gold, "openi_codes", lambda: iter([(name, (code,)) for name, (_, code) in OPENI.items()])
    )
    path = tmp_path / "openi.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("report_id", "findings", "impression"))
        writer.writerows((name, text, "") for name, (text, _) in OPENI.items())
    return path


@pytest.mark.parametrize(("split", "ids"), [("dev", "CXR1 CXR2"), ("test", "CXR3 CXR4")])
def test_the_rules_against_the_human_codes(openi: Path, tmp_path: Path, split: str, ids: str):
    errors = tmp_path / "errors.csv"
    code, stdout, stderr = run(
        "evaluate", "openi", "--split", split, "--resamples", "0", "--json", "--errors", errors
    )
    assert (code, stderr) == (0, "")
    data = json.loads(stdout)
    assert data["gold"] == f"Open-i MeSH codes, {split}"
    assert (data["reports"], data["missing"], data["resamples"]) == (2, 0, 0)
    assert data["engines"][0].startswith("rules@")
    with errors.open(encoding="utf-8", newline="") as stream:
        listed = list(csv.DictReader(stream))
    assert {row["report_id"] for row in listed} <= set(ids.split())
    if split == "test":
        assert ("CXR3", "granuloma") in {(row["report_id"], row["category"]) for row in listed}
        assert "Calcified granuloma." in errors.read_text("utf-8")


def test_what_a_model_found_is_scored_against_the_human_codes(
    openi: Path, serve: Any, loopback: Any, good: str, tmp_path: Path
):
    server = serve(
        lambda body, _: loopback.Act(
            text=good if "left pleural" in body["messages"][-1]["content"] else '{"findings": []}'
        )
    )
    pred, scores, errors = tmp_path / "m.jsonl", tmp_path / "scores", tmp_path / "errors.csv"
    code, _, _ = run("extract", openi, "--model", "tiny", "--base-url", server.url, "--out", pred)
    assert (code, len(server.requests)) == (0, 4)
    command = ("evaluate", pred, "--openi", "--resamples", "20")
    code, stdout, stderr = run(*command, "--out", scores, "--errors", errors)
    assert code == 0
    written = [Path(line.removeprefix("written to ")) for line in stderr.splitlines()]
    assert {path.suffix for path in written} == {".md", ".json", ".svg"}
    markdown, figure = (
        next(path for path in written if path.suffix == suffix) for suffix in (".md", ".svg")
    )
    assert markdown.read_text("utf-8").startswith(stdout.strip())
    assert figure.name in markdown.read_text("utf-8")
    assert "tiny+default@1.0.0" in stdout
    assert "<svg" in figure.read_text("utf-8")
    data = json.loads(next(path for path in written if path.suffix == ".json").read_text("utf-8"))
    assert (data["category"]["hit"], data["category"]["missed"]) == (1, 0)
    assert data["category"]["precision"]["value"] == 1.0
    assert (data["reports"], data["extra"], data["resamples"]) == (2, 2, 20)
    assert data["normal"]["findings"] == 0
    assert data["unsupported"]["unsupported"] == 0
    assert "small left pleural effusion" in errors.read_text("utf-8"), "the gold states no severity"
    test = json.loads(run(*command, "--split", "test", "--json")[1])
    assert (test["category"]["hit"], test["category"]["missed"]) == (0, 2)


@pytest.mark.parametrize("command", [("openi",), ("PRED", "--openi")])
def test_without_the_ids_it_says_where_they_are_and_where_they_go(
    extracted: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command
):
    given = [str(extracted[1]) if arg == "PRED" else arg for arg in command]
    monkeypatch.delenv("MEDFILIP_DATA", raising=False)
    for data in (None, tmp_path):
        if data is not None:
            monkeypatch.setenv("MEDFILIP_DATA", str(data))
        code, stdout, stderr = run("evaluate", *given)
        assert (code, stdout, stderr.count("\n")) == (2, "", 1)
        assert stderr.startswith("error: ")
        for part in ("openi-testset.txt", "github.com/ncbi-nlp/NegBio", "examples/",
                     "openi_negbio/", "set MEDFILIP_DATA"):  # fmt: skip
            assert part in stderr


def test_without_the_reports_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "openi_negbio"
    folder.mkdir()
    (folder / "openi-testset.txt").write_text(TEST_IDS, "utf-8")
    monkeypatch.setenv("MEDFILIP_DATA", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, stdout, stderr = run("evaluate", "openi")
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert "'torchxrayvision', which is not installed; install the extra" in stderr
    assert "pip install 'gpt-ie[openi]'" in stderr


def test_a_gold_and_the_codes_at_once_are_refused(openi: Path, extracted: tuple[Path, Path]):
    _, found = extracted
    code, _, stderr = run("evaluate", found, found, "--openi")
    assert code == 2
    assert "give PRED and GOLD, PRED and --openi, or openi alone" in stderr


def test_a_page_of_other_columns_and_with_a_limit(write_csv: Callable[..., Path], tmp_path: Path):
    reports = write_csv(
        [["1", "a", "A mass."], ["2", "b", "A nodule."], ["3", "c", "Edema."]],
        header=["x", "key", "body"],
    )
    found, out = reports.with_name("reports.findings.jsonl"), tmp_path / "p.html"
    assert run("extract", reports, "--id", "key", "--text", "body")[0] == 0
    code, stdout, stderr = run(
        "view", found, "--reports", reports, "--id", "key", "--text", "body", "--limit", "2",
        "--out", out,
    )  # fmt: skip
    assert code == 0
    assert stdout.startswith("2 reports, 2 findings, 0.0 MB: ")
    assert stderr == f"1 reports are beyond --limit; 0 have no text in {str(reports)!r}\n"
    assert "A nodule." in out.read_text("utf-8")
    other = write_csv([["a", "A mass.", ""]], name="other.csv")
    _, _, stderr = run("view", found, "--reports", other, "--out", out)
    assert stderr == f"0 reports are beyond --limit; 2 have no text in {str(other)!r}\n"
