"""A server that fails as it is told, and an engine that asks it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from gpt_ie.llm.engine import LLMEngine
from gpt_ie.llm.retries import Backoff
from gpt_ie.schema import Report
from iki_knowledge import KnowledgeBase

REPORT = Report(
    "r1",
    {
        "findings": "There is a small left pleural effusion. No pneumothorax.",
        "impression": "Small effusion.",
    },
)


@pytest.fixture
def report() -> Report:
    return REPORT


@pytest.fixture
def engine_at(kb: KnowledgeBase) -> Iterator[Callable[..., LLMEngine]]:
    """An engine for a server; waits between retries are short."""
    with ExitStack() as stack:

        def make(server: Any, model: str = "test-model", **options: Any) -> LLMEngine:
            options = {"backoff": Backoff(0.01, 0.02), "timeout": 30.0, **options}
            engine = LLMEngine(model, kb=kb, base_url=server.url, **options)
            return stack.enter_context(engine)

        yield make
