"""`gpt-ie extract` and `gpt-ie prompt try` with a model, on a server of this machine."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gpt_ie.cli import app
from typer.testing import CliRunner

ROWS = [["a", "There is a small left pleural effusion. No pneumothorax.", ""], ["b", "", ""]]


def run(*args: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, result.stderr


def test_extract_asks_the_model_and_says_what_it_spent(
    write_csv: Callable[..., Path], serve: Any, loopback: Any, good: str, tmp_path: Path
):
    server = serve([loopback.Act(text=good)])
    out = tmp_path / "m.jsonl"
    code, stdout, stderr = run(
        "extract", write_csv(ROWS), "--model", "tiny", "--base-url", server.url, "--out", out,
        "--csv", tmp_path / "m.csv", "--price", "1,2",
    )  # fmt: skip
    assert code == 1
    assert "'b' (row 3): the report is empty" in stderr
    line = json.loads(out.read_text("utf-8"))
    assert line["engine"] == "tiny+default@1.0.0"
    assert {f["category"]: f["presence"] for f in line["findings"]} == {
        "pleural_effusion": "present",
        "pneumothorax": "absent",
    }
    assert line["usage"]["calls"] == 1
    assert "1 calls, " in stdout
    assert "$0.0" in stdout
    assert (tmp_path / "m.csv").read_text("utf-8").count("\n") == 3


def test_hybrid_asks_nothing_where_the_rules_are_sure(
    write_csv: Callable[..., Path], serve: Any, loopback: Any, good: str, tmp_path: Path
):
    server = serve([loopback.Act(text=good)])
    code, stdout, _ = run(
        "extract", write_csv(ROWS[:1]), "--engine", "hybrid", "--model", "tiny", "--base-url",
        server.url, "--out", tmp_path / "h.jsonl",
    )  # fmt: skip
    assert code == 0
    assert "0.0% of the sentences went to the model" in stdout


def test_prompt_try_prints_grounded_findings(serve: Any, loopback: Any, good: str, tmp_path: Path):
    server = serve([loopback.Act(text=good)])
    text = tmp_path / "report.txt"
    text.write_text(ROWS[0][1], "utf-8")
    code, stdout, _ = run("prompt", "try", text, "--model", "tiny", "--base-url", server.url)
    assert code == 0
    findings = json.loads(stdout)["findings"]
    assert findings[0]["evidence"]["text"] == "small left pleural effusion"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--engine", "llm"), "a model is needed: --model"),
        (("--engine", "rules", "--model", "ollama/x"), "--engine rules asks no model"),
        (("--model", "opnai/x"), "unknown model 'opnai/x'"),
        (("--model", "openai/x"), "no key for 'openai/x': set the environment variable"),
        (("--model", "ollama/x", "--prompt", "defalt"), "unknown prompt 'defalt'; did you mean"),
        (("--model", "ollama/x", "--mode", "jason_schema"), "'jason_schema'"),
        (("--model", "ollama/x", "--price", "cheap"), "'cheap' is no price"),
        (("--model", "gguf:none.gguf"), "none.gguf"),
        (("--dry-run",), "name it with --model"),
        (("--sections", "findngs"), "findngs"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_written(
    write_csv: Callable[..., Path], tmp_path: Path, monkeypatch, options, message
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    path = write_csv(ROWS)
    code, stdout, stderr = run("extract", path, *options)
    assert (code, stdout) == (2, "")
    assert message in stderr
    assert stderr.count("\n") == 1
    assert [item.name for item in path.parent.iterdir() if item.suffix == ".jsonl"] == []


def test_dry_run_needs_no_key_and_writes_nothing(write_csv: Callable[..., Path], monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    path = write_csv(ROWS)
    code, stdout, _ = run(
        "extract", path, "--dry-run", "--model", "openai/x", "--price", "1,2", "--json"
    )
    estimate = json.loads(stdout)
    assert code == 0
    assert (estimate["reports"], estimate["requests"], estimate["rejected"]) == (2, 1, 1)
    assert estimate["cost"] > 0
    assert [item.name for item in path.parent.iterdir()] == ["reports.csv"]


def test_credentialed_reports_stay_here(write_csv: Callable[..., Path], monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    path = write_csv([["a", "The ___ year old has an effusion.", ""]])
    code, _, stderr = run("extract", path, "--model", "openai/x")
    assert code == 2
    assert "nothing was sent" in stderr
    assert "--i-may-send-this-data" in stderr
    assert "year old" not in stderr
    assert not path.with_name("reports.findings.jsonl").exists()
