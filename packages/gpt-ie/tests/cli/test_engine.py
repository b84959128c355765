"""`gpt-ie extract` with a model, on a server of this machine, and the gate before it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gpt_ie.cli import app
from gpt_ie.cli.engine import LlmOptions, estimate_run, gated, make_llm
from gpt_ie.datause import DataUseError
from gpt_ie.llm import engine as llm_engine
from gpt_ie.llm.prices import Price
from gpt_ie.schema import Rejected, Report
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


def test_every_option_of_a_model_reaches_its_engine(monkeypatch: pytest.MonkeyPatch):
    told: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        llm_engine, "LLMEngine", lambda *args, **options: told.append((*args, options))
    )
    make_llm(
        LlmOptions(
            model="m", base_url="http://127.0.0.1:9/v1", mode="tools", prompt="my.md",
            unsupported="drop", concurrency=3, rpm=4, tpm=5, max_retries=6, max_tokens=7,
            timeout=8.0, temperature=0.9, price="1,2", max_cost=10.0,
        )
    )  # fmt: skip
    assert told == [
        (
            "m",
            Path("my.md"),
            {
                "base_url": "http://127.0.0.1:9/v1",
                "mode": "tools",
                "temperature": 0.9,
                "max_retries": 6,
                "max_tokens": 7,
                "timeout": 8.0,
                "concurrency": 3,
                "requests_per_minute": 4,
                "tokens_per_minute": 5,
                "max_cost": 10.0,
                "price": Price(1.0, 2.0),
                "unsupported": "drop",
            },
        )
    ]


def test_every_option_of_the_command_line_reaches_the_model(
    write_csv: Callable[..., Path], serve: Any, loopback: Any, good: str, tmp_path: Path
):
    rows = [[str(number), ROWS[0][1], ""] for number in range(12)]
    server = serve([loopback.Act(text=good, delay=0.05)])
    code, stdout, stderr = run(
        "extract", write_csv(rows), "--model", "tiny", "--base-url", server.url, "--out",
        tmp_path / "m.jsonl", "--mode", "tools", "--max-tokens", "77", "--temperature", "0.5",
        "--concurrency", "4", "--json",
    )  # fmt: skip
    assert (code, stderr) == (0, "")
    assert server.most == 4
    body = server.requests[0]
    assert (body["max_tokens"], body["temperature"], "tools" in body) == (77, 0.5, True)
    summary = json.loads(stdout)
    assert summary["usage"] == {
        "calls": 12, "prompt_tokens": 1200, "completion_tokens": 240, "cost": None
    }  # fmt: skip


def test_what_is_not_grounded_is_told_dropped_or_fails(
    write_csv: Callable[..., Path], serve: Any, loopback: Any, good: str, tmp_path: Path
):
    path = write_csv([["a", "No small left pleural effusion. No pneumothorax.", ""]])
    server = serve([loopback.Act(text=good)])
    out = tmp_path / "m.jsonl"
    common = ("extract", path, "--model", "tiny", "--base-url", server.url, "--out", out)
    code, stdout, _ = run(*common)
    assert code == 0
    assert "\n1 findings are not grounded in their report\n" in stdout
    assert "cost unknown" in stdout
    assert run(*common, "--unsupported", "drop")[0] == 0
    (line,) = out.read_text("utf-8").splitlines()
    assert [found["category"] for found in json.loads(line)["findings"]] == ["pneumothorax"]
    code, _, stderr = run(*common, "--unsupported", "fail")
    assert code == 1
    assert "1 of 2 findings are unsupported: 1 that the report denies" in stderr


def test_a_cost_limit_stops_the_run_and_the_same_command_goes_on(
    write_csv: Callable[..., Path], serve: Any, loopback: Any, good: str, tmp_path: Path
):
    rows = [[str(number), ROWS[0][1], ""] for number in range(4)]
    server = serve([loopback.Act(text=good, usage=(1_000_000, 0))])
    out = tmp_path / "m.jsonl"
    common = (
        "extract", write_csv(rows), "--model", "tiny", "--base-url", server.url, "--out", out,
        "--price", "1,0", "--concurrency", "1", "--max-cost",
    )  # fmt: skip
    code, stdout, stderr = run(*common, "2.5")
    assert (code, stdout) == (2, "")
    assert "the cost limit of $2.5 is reached" in stderr
    assert "2 reports are done, the same command goes on" in stderr
    assert not out.exists()
    code, stdout, _ = run(*common, "9")
    assert code == 0
    assert "2 of them taken over" in stdout
    assert len(server.requests) == 4


def test_the_gate_looks_at_the_path_at_once_and_at_each_report_before_it_is_sent():
    far = "https://models.example/v1"
    plain, blanks = Report("a", {"text": "A mass."}), Report("b", {"text": "A ___ mass."})
    rows = [plain, Rejected(None, 3, "no id"), blanks]
    with pytest.raises(DataUseError):
        gated(iter(rows), Path("mimic.csv"), far, may_send=False)
    stream = gated(iter(rows), Path("x.csv"), far, may_send=False)
    assert [next(stream), next(stream)] == rows[:2]
    with pytest.raises(DataUseError):
        next(stream)
    for endpoint, may_send in (("http://127.0.0.1:1/v1", False), (None, False), (far, True)):
        passed = gated(iter(rows), Path("mimic.csv"), endpoint, may_send=may_send)
        assert list(passed) == rows


def test_an_estimate_counts_the_prompt_and_keeps_the_limits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    reports = [Report(str(number), {"text": "A mass."}) for number in range(30)]
    estimate = estimate_run(reports, LlmOptions(model="openai/x", price="1,2", rpm=1))
    assert estimate.prompt_tokens > 30 * 500
    assert (estimate.bound, estimate.seconds) == ("requests", pytest.approx(1800.0))
    assert estimate.cost == pytest.approx(
        (estimate.prompt_tokens + 2 * estimate.completion_tokens) / 1e6
    )
    by_tokens = estimate_run(reports, LlmOptions(model="openai/x", tpm=100, concurrency=30))
    assert (by_tokens.bound, by_tokens.cost) == ("tokens", None)
    slow = estimate_run(reports, LlmOptions(model="openai/x", concurrency=1))
    assert slow.seconds == pytest.approx(60.0)


def test_a_dry_run_is_a_short_table(write_csv: Callable[..., Path]):
    code, stdout, stderr = run("extract", write_csv(ROWS), "--dry-run", "--model", "openai/none")
    assert (code, stderr) == (0, "")
    assert [line[:19].strip() for line in stdout.splitlines()] == [
        "reports", "requests", "tokens sent", "tokens received", "cost", "time"
    ]  # fmt: skip
    assert "unknown (give --price)" in stdout
    assert stdout.endswith("2 s, bound by latency\n")
