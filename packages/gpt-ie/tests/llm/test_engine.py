"""The engine against a server on the loopback address that fails as it is told."""

import asyncio
from pathlib import Path

from gpt_ie.llm.engine import LLMEngine


def test_an_answer_becomes_grounded_findings(serve, engine_at, loopback, report, good):
    server = serve([loopback.Act(text=good)])
    engine = engine_at(server)
    result = engine.extract(report)
    assert [(f.category, f.presence, f.severity, f.side) for f in result.findings] == [
        ("pleural_effusion", "present", "small", "left"),
        ("pneumothorax", "absent", None, None),
    ]
    for finding in result.findings:
        at = finding.evidence
        assert report.sections[at.section][at.start : at.end] == at.text
    assert result.engine == "test-model+default@1.0.0"
    assert (result.usage.calls, result.usage.prompt_tokens, result.usage.cost) == (1, 100, None)
    body = server.requests[0]
    assert body["model"] == "test-model"
    assert body["temperature"] == 0
    assert body["max_tokens"] == 4096
    assert body["response_format"]["type"] == "json_schema"
    assert "small left pleural effusion" in body["messages"][-1]["content"]


def test_concurrency_is_kept(serve, engine_at, loopback, report, good):
    server = serve([loopback.Act(text=good, delay=0.05)])
    engine = engine_at(server, concurrency=4)

    async def many() -> None:
        try:
            await asyncio.gather(*(engine.aextract(report) for _ in range(12)))
        finally:
            await engine.aclose()

    asyncio.run(many())
    assert server.most == 4
    assert engine.usage.calls == 12


def test_the_key_changes_with_all_that_changes_an_answer(kb, tmp_path: Path):
    at = "http://127.0.0.1:9/v1"
    prompt = tmp_path / "mine.md"
    prompt.write_text(
        "---\nname: default\nversion: 1.0.0\nformat: json\n---\n# System\nx\n# User\n{report}\n"
    )
    options = [
        {}, {"base_url": "http://127.0.0.1:10/v1"}, {"temperature": 0.5}, {"max_tokens": 100},
        {"mode": "tools"}, {"unsupported": "drop"}, {"prompt": "paper"}, {"prompt": prompt},
        {"model": "n"},
    ]  # fmt: skip
    keys = [
        LLMEngine(**{"model": "m", "kb": kb, "base_url": at, **option}).key for option in options
    ]
    assert len(set(keys)) == len(keys)
    assert LLMEngine("m", kb=kb, base_url=at, concurrency=3, max_retries=1).key == keys[0]


def test_calls_one_after_another_share_a_loop_until_it_is_closed(
    serve, engine_at, loopback, report, good
):
    engine = engine_at(serve([loopback.Act(text=good)]))
    loops: list[asyncio.AbstractEventLoop] = []

    async def ask() -> int:
        loops.append(asyncio.get_running_loop())
        return len((await engine.aextract(report)).findings)

    assert (engine.run(ask()), engine.run(ask())) == (2, 2)
    assert loops[0] is loops[1]
    engine.close()
    engine.close()
    assert loops[0].is_closed()
    assert engine.run(ask()) == 2
    assert loops[2] is not loops[0]
