"""What is asked again, how often, and what the model is told: a server that fails as it is told."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from gpt_ie.schema import EngineError, EngineUnavailableError, Report

BAD_PRESENCE = (
    '{"findings": [{"category": "edema", "severity": null, "location": null, "presence": '
    '"perhaps", "trend": null, "evidence": "xq"}]}'
)
UNKNOWN = (
    '{"findings": [{"category": "zorblax", "severity": null, "location": null, "presence": '
    '"present", "trend": null, "evidence": "Small effusion"}, {"category": "pleural effusion", '
    '"severity": "small", "location": null, "presence": "present", "trend": null, '
    '"evidence": "Small effusion"}]}'
)


def test_a_faulty_answer_goes_back_with_what_is_wrong(serve, engine_at, loopback, report, good):
    server = serve([loopback.Act(text=UNKNOWN), loopback.Act(text=good)])
    engine = engine_at(server)
    result = engine.extract(report)
    chat = server.requests[1]["messages"]
    assert [message["role"] for message in chat] == ["system", "user", "assistant", "user"]
    assert chat[2]["content"] == UNKNOWN
    assert "zorblax" in chat[3]["content"]
    assert result.usage.prompt_tokens == 200
    assert engine.usage.prompt_tokens == 200
    assert engine.usage.calls == 2


def test_an_unknown_category_is_dropped_after_the_corrections(serve, engine_at, loopback, report):
    server = serve([loopback.Act(text=UNKNOWN)])
    engine = engine_at(server)
    result = engine.extract(report)
    assert [finding.category for finding in result.findings] == ["pleural_effusion"]
    assert engine.dropped == 1
    assert len(server.requests) == 4


def test_faults_that_stay_fail_the_report_without_its_text(
    serve, engine_at, loopback, report, caplog
):
    caplog.set_level(logging.DEBUG)
    server = serve([loopback.Act(text=BAD_PRESENCE)])
    with pytest.raises(EngineError) as caught:
        engine_at(server).extract(report)
    assert "presence" in str(caught.value)
    for secret in ("xq", "perhaps", "pleural"):
        assert secret not in str(caught.value)
    assert "xq" not in caplog.text
    assert "pleural" not in caplog.text


def test_retries_are_bounded_in_number(serve, engine_at, loopback, report):
    server = serve([loopback.Act(kind="status", status=500)])
    with pytest.raises(EngineError, match="HTTP 500"):
        engine_at(server, max_retries=3).extract(report)
    assert len(server.requests) == 4


def test_retries_are_bounded_in_tokens(serve, engine_at, loopback, report):
    server = serve([loopback.Act(text="{", usage=(2000, 1000))])
    with pytest.raises(EngineError, match="not JSON"):
        engine_at(server, retry_tokens=6000).extract(report)
    assert len(server.requests) == 1 + 1


def test_a_cut_answer_is_asked_for_again_in_short(serve, engine_at, loopback, report, good):
    server = serve([loopback.Act(text='{"findings": [', finish="length"), loopback.Act(text=good)])
    engine_at(server).extract(report)
    again = server.requests[1]
    assert "too long" in again["messages"][-1]["content"]
    assert again["temperature"] > 0


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed(serve, engine_at, loopback, report, good, form):
    asked = "1" if form == "seconds" else None
    if asked is None:
        asked = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    first = loopback.Act(kind="status", status=429, headers={"Retry-After": asked})
    server = serve([first, loopback.Act(text=good)])
    begin = time.monotonic()
    engine_at(server).extract(report)
    assert 0.9 <= time.monotonic() - begin < 4


def test_a_wait_beyond_patience_stops_the_run(serve, engine_at, loopback, report):
    act = loopback.Act(kind="status", status=429, headers={"retry-after": "86400"})
    with pytest.raises(EngineUnavailableError, match="86400 s"):
        engine_at(serve([act])).extract(report)


def test_a_refused_report_fails_at_once_and_many_stop_the_run(serve, engine_at, loopback, report):
    server = serve([loopback.Act(kind="status", status=400, code="context_length_exceeded")])
    engine = engine_at(server)
    for _ in range(4):
        with pytest.raises(EngineError, match="context_length_exceeded"):
            engine.extract(report)
    with pytest.raises(EngineUnavailableError, match="every request is refused"):
        engine.extract(report)
    assert len(server.requests) == 5


def test_mixed_failures_leave_no_good_report_behind(serve, engine_at, loopback, good):
    kinds = [
        loopback.Act(kind="status", status=429, headers={"retry-after": "0"}),
        loopback.Act(kind="status", status=500),
        loopback.Act(text='{"findings": [{'),
        loopback.Act(text=BAD_PRESENCE),
        loopback.Act(kind="hang"),
    ]

    def script(body, number):
        if "POISON" in body["messages"][1]["content"]:
            return loopback.Act(kind="status", status=422)
        return kinds[number // 3 % 5] if number % 3 == 0 else loopback.Act(text=good)

    server = serve(script)
    engine = engine_at(server, timeout=1.5, concurrency=8)
    text = "There is a small left pleural effusion. No pneumothorax."
    reports = [
        Report(str(n), {"text": text + (" POISON" if n % 10 == 0 else "")}) for n in range(60)
    ]

    async def many() -> list[object]:
        try:
            return await asyncio.gather(*map(engine.aextract, reports), return_exceptions=True)
        finally:
            await engine.aclose()

    results = asyncio.run(many())
    for number, result in enumerate(results):
        if number % 10 == 0:
            assert isinstance(result, EngineError)
        else:
            assert len(result.findings) == 2
