import json
from pathlib import Path

import pytest
from gpt_ie.batch import (
    BatchAnswer,
    BatchAnswers,
    BatchEngine,
    BatchError,
    BatchWritten,
    read_batch,
    write_batch,
)
from gpt_ie.pipeline import extract
from gpt_ie.schema import EngineError, Rejected, Report, ReportFindings, Usage

REPORTS = [
    Report("a", {"text": "Small left effusion."}, 2),
    Report("b", {"text": "  "}, 3),
    Report("c", {"text": "Größe normal."}, 4),
    Report("a", {"text": "Again."}, 5),
    Rejected(None, 6, "the report id is empty"),
    Report("d", {"text": "A nodule."}, 7),
]


def messages(report: Report) -> list[dict[str, str]]:
    return [{"role": "user", "content": report.sections["text"]}]


def write(path: Path, *, engine_key: str = "m@1", **more: int) -> BatchWritten:
    return write_batch(
        REPORTS, messages, "m", path, body={"temperature": 0}, engine_key=engine_key, **more
    )


def answer(custom_id: str, content: object = "[]", status: int = 200, **more: object) -> str:
    choice = {"index": 0, "message": {"content": content}, "finish_reason": "stop"}
    body = {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}
    response = {"status_code": status, "request_id": "r", "body": body}
    return json.dumps(
        {"id": "b", "custom_id": custom_id, "response": response, "error": None} | more
    )


def ids(path: Path) -> dict[str, str]:
    """Text of the request -> its id."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {line["body"]["messages"][0]["content"]: line["custom_id"] for line in lines}


def test_one_request_a_line_in_the_format(tmp_path: Path):
    path = tmp_path / "batch.jsonl"
    assert write(path) == BatchWritten((path,), 3, 3)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len({line.pop("custom_id") for line in lines}) == 3
    assert lines[1] == {
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "m",
            "messages": [{"role": "user", "content": "Größe normal."}],
            "temperature": 0,
        },
    }


def test_a_file_that_is_full_is_followed_by_another(tmp_path: Path):
    path = tmp_path / "batch.jsonl"
    written = write(path, max_requests=2)
    assert written.paths == (path, tmp_path / "batch-2.jsonl")
    assert [len(p.read_text().splitlines()) for p in written.paths] == [2, 1]


def test_answers_in_any_order_and_errors_find_their_reports(tmp_path: Path):
    path, out, errors = (tmp_path / name for name in ("in.jsonl", "out.jsonl", "err.jsonl"))
    write(path)
    known = ids(path)
    refused = {"code": "rate_limit", "message": "you sent: A nodule."}
    out.write_text(
        "\n".join(
            [answer(known["Größe normal."], "2"), "", answer(known["Small left effusion."], "1")]
        )
    )
    errors.write_text(
        "no json\n[]\n"
        + answer("not of ours")
        + "\n"
        + answer(known["A nodule."], status=429, error=refused)
        + '\n{"custom_id": "'
    )
    got = list(read_batch([errors, out], REPORTS, engine_key="m@1"))
    answers = [item for item in got if isinstance(item, BatchAnswer)]
    assert [(item.report.report_id, item.content) for item in answers] == [
        ("a", "1"),
        ("c", "2"),
        ("d", None),
    ]
    assert answers[0].usage == Usage(calls=1, prompt_tokens=7, completion_tokens=2)
    assert answers[2].problem == "the batch failed on this report: rate_limit (status 429)"
    assert [item.row for item in got if isinstance(item, Rejected)] == [3, 5, 6]
    with BatchAnswers([errors, out]) as all_answers:
        assert all_answers.unreadable == 4


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"content": ""}, "empty answer"),
        ({"content": None}, "empty answer"),
        ({"content": ["x"]}, "empty answer"),
        ({"status": 500}, "status 500"),
        ({"response": None}, "empty answer"),
        ({"response": {"status_code": 200, "body": {"choices": []}}}, "empty answer"),
        ({"response": {"body": {"error": {"type": "server_error"}}}}, "server_error"),
        (
            {"response": {"body": {"choices": [
                {"message": {"content": "["}, "finish_reason": "length"}]}}},
            "cut off",
        ),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_a_problem(tmp_path: Path, line: dict[str, object], problem: str):
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    write(path)
    known = ids(path)
    out.write_text(answer(known["A nodule."], **line) + "\n")  # pyright: ignore[reportArgumentType]
    with BatchAnswers([out], engine_key="m@1") as answers:
        found = answers.find(REPORTS[5])  # pyright: ignore[reportArgumentType] - a Report
        assert found.content is None
        assert problem in (found.problem or "")
    # A retried request that was answered counts, wherever it stands.
    out.write_text(out.read_text() + answer(known["A nodule."], "yes") + "\n")
    with BatchAnswers([out], engine_key="m@1") as answers:
        assert answers.find(REPORTS[5]).content == "yes"  # pyright: ignore[reportArgumentType]


def test_answers_to_another_text_or_prompt_are_not_taken(tmp_path: Path):
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    write(path)
    out.write_text("\n".join(answer(custom_id) for custom_id in ids(path).values()))
    report = Report("d", {"text": "A nodule."})
    for key, asked, found in (
        ("m@1", report, True),
        ("m@2", report, False),
        ("m@1", Report("d", {"text": "Nodules."}), False),
    ):
        with BatchAnswers([out], engine_key=key) as answers:
            assert (answers.find(asked).content is not None) == found


def test_a_batch_goes_through_the_pipeline(tmp_path: Path):
    path, out = tmp_path / "in.jsonl", tmp_path / "answers.jsonl"
    write(path)
    known = ids(path)
    out.write_text(
        answer(known["Small left effusion."]) + "\n" + answer(known["A nodule."], "what?") + "\n"
    )

    def parse(report: Report, content: str, usage: Usage | None) -> ReportFindings:
        if content != "[]":
            raise EngineError("the answer is no JSON")
        return ReportFindings(report_id=report.report_id, engine="m@1", usage=usage)

    with BatchAnswers([out], engine_key="m@1") as answers:
        engine = BatchEngine(answers, parse, "m@1", "m@1")
        summary = extract(REPORTS, engine, tmp_path / "x.jsonl")
    assert (summary.reports, summary.failed) == (6, 5)
    assert summary.usage == Usage(calls=1, prompt_tokens=7, completion_tokens=2)
    reasons = {failure.row: failure.reason for failure in summary.first_failures}
    assert "no answer for this report" in reasons[4]
    assert reasons[7] == "the answer is no JSON"


def test_files_that_are_not_there(tmp_path: Path):
    with pytest.raises(BatchError, match="cannot read"):
        BatchAnswers([tmp_path / "none.jsonl"])
    with pytest.raises(BatchError, match="cannot write"):
        write(tmp_path / "none" / "x.jsonl")
    with pytest.raises(BatchError, match="no report with text"):
        write_batch(REPORTS[1:2], messages, "m", tmp_path / "x.jsonl")
    assert list(tmp_path.iterdir()) == []
