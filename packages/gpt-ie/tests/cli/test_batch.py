"""Writing requests and reading answers are the two ends of one form."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from gpt_ie.cli import app
from typer.testing import CliRunner

# Reserved for documentation; nothing is sent to it.
FAR = "http://192.0.2.1/v1"
ROWS = [
    ["a", "There is a small left pleural effusion. No pneumothorax.", ""],
    ["b", "Clear lungs.", ""],
    ["c", "Mild edema.", ""],
]


def run(*args: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def answered(write_csv: Callable[..., Path], good: str, tmp_path: Path) -> tuple[Path, Path]:
    """Reports, and a batch's answers: a good one, words that are none, and none at all."""
    reports, requests = write_csv(ROWS), tmp_path / "batch.jsonl"
    assert run("batch", "write", reports, "--model", "openai/x", "--out", requests)[0] == 0
    contents = [good, "I cannot help with that."]
    answers = tmp_path / "answers.jsonl"
    with answers.open("w") as stream:
        for line, content in zip(requests.read_text("utf-8").splitlines(), contents, strict=False):
            body = {"choices": [{"message": {"content": content}}]}
            answer = {
                "custom_id": json.loads(line)["custom_id"],
                "response": {"status_code": 200, "body": body},
                "error": None,
            }
            stream.write(json.dumps(answer) + "\n")
    return reports, answers


def test_requests_hold_the_chat_and_the_schema(write_csv: Callable[..., Path], tmp_path: Path):
    out = tmp_path / "batch.jsonl"
    code, stdout, _ = run("batch", "write", write_csv(ROWS), "--model", "openai/x", "--out", out)
    assert (code, stdout.splitlines()[0]) == (0, "3 requests, 0 reports left out")
    body = json.loads(out.read_text("utf-8").splitlines()[0])["body"]
    assert body["model"] == "x"
    assert "small left pleural effusion" in body["messages"][-1]["content"]
    assert body["response_format"]["type"] == "json_schema"


def test_answers_become_findings_and_the_rest_fails(answered: tuple[Path, Path], tmp_path: Path):
    reports, answers = answered
    out = tmp_path / "b.jsonl"
    code, _, stderr = run(
        "batch", "read", answers, "--reports", reports, "--model", "openai/x", "--out", out
    )
    assert code == 1
    (line,) = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [finding["category"] for finding in line["findings"]] == [
        "pleural_effusion",
        "pneumothorax",
    ]
    failed = [json.loads(line) for line in (tmp_path / "b.failed.jsonl").read_text().splitlines()]
    assert [failure["report_id"] for failure in failed] == ["b", "c"]
    assert "I cannot help" not in stderr + str(failed)


def test_another_prompt_s_answers_are_not_taken(answered: tuple[Path, Path], tmp_path: Path):
    reports, answers = answered
    code, _, _ = run(
        "batch", "read", answers, "--reports", reports, "--model", "openai/x", "--prompt", "paper",
        "--out", tmp_path / "b.jsonl",
    )  # fmt: skip
    assert code == 1
    assert (tmp_path / "b.jsonl").read_text() == ""


def test_credentialed_reports_are_not_written(write_csv: Callable[..., Path], tmp_path: Path):
    path = write_csv([["a", "The ___ year old.", ""]])
    out = tmp_path / "batch.jsonl"
    code, _, stderr = run("batch", "write", path, "--model", "openai/x", "--out", out)
    assert code == 2
    assert "nothing was sent" in stderr
    assert not out.exists()


def test_credentialed_reports_are_written_for_this_machine_or_when_they_may_be(
    write_csv: Callable[..., Path], tmp_path: Path
):
    path = write_csv([["a", "The ___ year old.", ""]])
    out = tmp_path / "batch.jsonl"
    common = ("batch", "write", path, "--model", "x", "--out", out, "--base-url")
    assert run(*common, FAR)[0] == 2
    assert run(*common, "http://127.0.0.1:9/v1")[0] == 0
    out.unlink()
    assert run(*common, FAR, "--i-may-send-this-data")[0] == 0
    assert out.is_file()


def test_what_is_left_out_is_told_and_the_limit_of_an_answer_is_kept(
    write_csv: Callable[..., Path], tmp_path: Path
):
    out = tmp_path / "batch.jsonl"
    path = write_csv([["k", "a", "A mass.", ""], ["k", "b", " ", ""]], ["x", "key", "body", "more"])
    code, stdout, _ = run(
        "batch", "write", path, "--model", "openai/x", "--out", out, "--id", "key", "--text",
        "body", "--max-tokens", "77",
    )  # fmt: skip
    assert (code, stdout.splitlines()[0]) == (0, "1 requests, 1 reports left out")
    assert json.loads(out.read_text("utf-8"))["body"]["max_tokens"] == 77


def test_reading_takes_the_options_of_the_writing(
    write_csv: Callable[..., Path], good: str, tmp_path: Path
):
    text = "No small left pleural effusion. No pneumothorax."
    reports = write_csv([["k", "a", text, "Skip."]], ["x", "key", "findings", "impression"])
    requests, answers, out = (tmp_path / name for name in ("r.jsonl", "a.jsonl", "b.jsonl"))
    form = (
        "--model", "x", "--base-url", FAR, "--id", "key", "--sections", "findings",
        "--max-tokens", "77",
    )  # fmt: skip
    assert run("batch", "write", reports, *form, "--out", requests)[0] == 0
    body = {"choices": [{"message": {"content": good}}]}
    answer = {
        "custom_id": json.loads(requests.read_text("utf-8"))["custom_id"],
        "response": {"status_code": 200, "body": body},
        "error": None,
    }
    answers.write_text(f"{json.dumps(answer)}\nno answer at all\n", "utf-8")
    read = ("batch", "read", answers, "--reports", reports, *form, "--out", out)
    code, _, stderr = run(*read, "--unsupported", "drop")
    assert (code, stderr) == (0, "1 lines of the batch were no answers\n")
    line = json.loads(out.read_text("utf-8"))
    assert [found["category"] for found in line["findings"]] == ["pneumothorax"]
    assert run(*read, "--unsupported", "fail")[0] == 1
