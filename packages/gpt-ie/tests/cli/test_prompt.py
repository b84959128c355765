"""`gpt-ie prompt show` and `gpt-ie prompt try`."""

import json
from pathlib import Path
from typing import Any

import pytest
from gpt_ie.cli import app
from gpt_ie.llm.engine import LLMEngine
from gpt_ie.schema import ReportFindings
from typer.testing import CliRunner

TEXT = "There is a small left pleural effusion. No pneumothorax."
MINE = "---\nname: mine\nversion: 2.1.0\nformat: json\n---\n# System\nList.\n# User\n{report}\n"


def run(*args: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, result.stderr


def test_show_prints_what_a_model_is_sent(tmp_path: Path):
    report = tmp_path / "r.txt"
    report.write_text("Left effusion.", "utf-8")
    code, stdout, _ = run("prompt", "show", "paper", "--report", report)
    assert code == 0
    assert stdout.startswith("prompt paper@")
    assert "\n--- system\n" in stdout
    assert "\n--- user\n" in stdout
    assert "Left effusion." in stdout
    messages = json.loads(run("prompt", "show", "default", "--json")[1])
    assert [message["role"] for message in messages] == ["system", "user"]


def test_a_prompt_of_one_s_own_is_checked_with_its_line(tmp_path: Path):
    mine = tmp_path / "mine.md"
    mine.write_text(
        "---\nname: mine\nversion: 1.0.0\nformat: json\n---\n# System\nList.\n# User\n{reprot}\n"
    )
    code, stdout, stderr = run("prompt", "show", mine)
    assert (code, stdout) == (2, "")
    assert f"{mine}:9: unknown placeholder 'reprot'; did you mean 'report'?" in stderr


def test_prompt_try_prints_grounded_findings(serve: Any, loopback: Any, good: str, tmp_path: Path):
    server = serve([loopback.Act(text=good)])
    text = tmp_path / "report.txt"
    text.write_text(TEXT, "utf-8")
    code, stdout, _ = run("prompt", "try", text, "--model", "tiny", "--base-url", server.url)
    assert code == 0
    assert json.loads(stdout)["report_id"] == "report"
    findings = json.loads(stdout)["findings"]
    assert findings[0]["evidence"]["text"] == "small left pleural effusion"


def test_try_takes_a_prompt_of_one_s_own_a_mode_and_a_limit(
    serve: Any, loopback: Any, good: str, tmp_path: Path
):
    server = serve([loopback.Act(text=good)])
    text, mine = tmp_path / "report.txt", tmp_path / "mine.md"
    text.write_text(TEXT, "utf-8")
    mine.write_text(MINE, "utf-8")
    code, stdout, _ = run(
        "prompt", "try", text, "--model", "tiny", "--base-url", server.url, "--prompt", mine,
        "--mode", "tools", "--max-tokens", "99",
    )  # fmt: skip
    assert code == 0
    assert json.loads(stdout)["engine"] == "tiny+mine@2.1.0"
    body = server.requests[0]
    assert (body["max_tokens"], "tools" in body) == (99, True)
    assert body["messages"][0]["content"].startswith("List.\n")


def test_show_reads_a_prompt_of_one_s_own(tmp_path: Path):
    mine = tmp_path / "mine.md"
    mine.write_text(MINE, "utf-8")
    code, stdout, _ = run("prompt", "show", mine)
    assert code == 0
    assert stdout.startswith("prompt mine@2.1.0")
    assert "Small right pleural effusion." in stdout


def test_an_answer_that_is_none_is_exit_1_and_quotes_nothing(
    serve: Any, loopback: Any, tmp_path: Path
):
    server = serve([loopback.Act(text="I would rather not.")])
    text = tmp_path / "report.txt"
    text.write_text(TEXT, "utf-8")
    code, stdout, stderr = run("prompt", "try", text, "--model", "tiny", "--base-url", server.url)
    assert (code, stdout) == (1, "")
    assert stderr.startswith("error: no valid answer")
    assert "rather" not in stderr


def test_try_sends_nothing_credentialed_unless_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    text = tmp_path / "report.txt"
    text.write_text("The ___ year old has an effusion.", "utf-8")
    # The address is reserved for documentation, and the tests let no socket out of this machine.
    far = ("prompt", "try", text, "--model", "x", "--base-url", "http://192.0.2.1/v1")
    monkeypatch.setenv("GPT_IE_API_KEY", "none")
    code, _, stderr = run(*far)
    assert code == 2
    assert "nothing was sent" in stderr
    asked: list[str] = []

    async def answer(_self: object, report: Any) -> Any:
        asked.append(report.report_id)
        return ReportFindings(report_id=report.report_id, engine="e@1", findings=())

    monkeypatch.setattr(LLMEngine, "aextract", answer)
    assert run(*far, "--i-may-send-this-data")[0] == 0
    assert asked == ["report"]
