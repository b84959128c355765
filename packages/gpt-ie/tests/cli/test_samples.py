"""`gpt-ie sample` and `gpt-ie explain`."""

import importlib.util
import json
from pathlib import Path

import pytest
from gpt_ie import samples
from gpt_ie.cli import app
from gpt_ie.schema import Report
from typer.testing import CliRunner


def run(*args: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, result.stderr


def test_explain_shows_what_fired():
    code, stdout, _ = run("explain", "No effusion. Evaluate for pneumonia.")
    assert code == 0
    rows = [line.split("  ") for line in stdout.splitlines()]
    assert [row[0] for row in rows] == ["surface", "effusion", "pneumonia"]
    assert "absent" in stdout
    assert "not asserted" in stdout
    assert "evaluate for" in stdout
    code, stdout, _ = run("explain", "Small left effusion.", "--json")
    (row,) = json.loads(stdout)
    assert (row["category"], row["severity"], row["trigger"]) == ("pleural_effusion", "small", None)
    assert run("explain", "Nothing.") == (0, "nothing that the dictionary knows\n", "")


def test_explain_has_a_column_for_every_slot():
    text = "Unchanged small left basilar effusion. Possible mass."
    rows = json.loads(run("explain", text, "--json")[1])
    assert [tuple(row.values()) for row in rows] == [
        (
            "effusion", "pleural_effusion", "present", None, "small", "left", "base", "stable",
            "Unchanged small left basilar effusion",
        ),
        ("mass", "mass", "uncertain", "possible", None, None, None, None, "mass"),
    ]  # fmt: skip
    code, stdout, _ = run("explain", "A mass.")
    header, row = stdout.splitlines()
    assert code == 0
    assert header.split() == [*rows[0]]
    assert row.split() == ["mass", "mass", "present", "-", "-", "-", "-", "-", "mass"]


def test_sample_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, stdout, stderr = run("sample", "openi", "--out", tmp_path / "x.csv")
    assert (code, stdout) == (2, "")
    assert "gpt-ie[openi]" in stderr
    assert not list(tmp_path.iterdir())


def test_sample_says_how_many_and_keeps_another_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    sections = {"findings": "A nodule, or two.", "impression": ""}
    monkeypatch.setattr(samples, "openi_reports", lambda: iter([Report("CXR1", sections)]))
    out = tmp_path / "x.csv"
    assert run("sample", "openi", "--out", out) == (0, f"1 reports written to {out}\n", "")
    assert out.read_text("utf-8").splitlines()[1] == 'CXR1,"A nodule, or two.",'
    out.write_text("mine", "utf-8")
    code, stdout, stderr = run("sample", "openi", "--out", out)
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert stderr.startswith("error: ")
    assert out.read_text("utf-8") == "mine"
