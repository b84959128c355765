"""The options of a run → an engine, and the gate before anything is sent to a model."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_ie.cli.console import fail
from gpt_ie.cli.options import EngineName, OnUnsupported

if TYPE_CHECKING:
    from gpt_ie.dry_run import DryRun
    from gpt_ie.llm.engine import LLMEngine
    from gpt_ie.schema import Engine, Rejected, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmOptions:
    """What the command line says of a model."""

    model: str | None
    base_url: str | None = None
    mode: str | None = None
    prompt: str = "default"
    unsupported: OnUnsupported = "flag"
    concurrency: int = 16
    rpm: int | None = None
    tpm: int | None = None
    max_retries: int = 8
    max_tokens: int | None = None
    timeout: float | None = None
    temperature: float = 0.0
    price: str | None = None
    max_cost: float | None = None


@contextmanager
def make_engine(name: EngineName | None, llm: LlmOptions) -> "Generator[Engine]":
    """The engine that the options ask for, closed at the end."""
    chosen = name or ("rules" if llm.model is None else "llm")
    if chosen == "rules":
        if llm.model is not None:
            fail("--engine rules asks no model: leave out --model, or take --engine hybrid")
        from gpt_ie.rules.engine import RulesEngine

        yield RulesEngine()
        return
    with make_llm(llm) as engine:
        if chosen == "llm":
            yield engine
            return
        from gpt_ie.hybrid import HybridEngine

        yield HybridEngine(engine)


def make_llm(llm: LlmOptions) -> "LLMEngine":
    """The model's engine; nothing is sent yet."""
    from gpt_ie.llm.engine import LLMEngine
    from gpt_ie.llm.models import parse_mode
    from gpt_ie.llm.prices import parse_price

    if llm.model is None:
        fail("a model is needed: --model openai/NAME, anthropic/NAME, ollama/NAME, gguf:FILE, …")
    return LLMEngine(
        llm.model,
        prompt_source(llm.prompt),
        base_url=llm.base_url,
        mode=None if llm.mode is None else parse_mode(llm.mode),
        temperature=llm.temperature,
        max_retries=llm.max_retries,
        max_tokens=llm.max_tokens,
        timeout=llm.timeout,
        concurrency=llm.concurrency,
        requests_per_minute=llm.rpm,
        tokens_per_minute=llm.tpm,
        max_cost=llm.max_cost,
        price=None if llm.price is None else parse_price(llm.price),
        unsupported=llm.unsupported,
    )


def checked(
    stream: "Iterable[Report | Rejected]",
    path: Path,
    llm: LlmOptions,
    engine: "Engine",
    *,
    may_send: bool,
) -> "Iterator[Report | Rejected]":
    """The reports; where a model is asked, through the gate."""
    from gpt_ie.llm.models import parse_model

    if llm.model is None or not hasattr(engine, "aextract"):
        return iter(stream)
    return gated(stream, path, parse_model(llm.model, llm.base_url).url, may_send=may_send)


def gated(
    stream: "Iterable[Report | Rejected]", path: Path, endpoint: str | None, *, may_send: bool
) -> "Iterator[Report | Rejected]":
    """The reports, each looked at before it can be sent; the path is judged at once."""
    from gpt_ie.datause import check_data_use
    from gpt_ie.schema import Report

    check_data_use([path], (), endpoint, may_send)

    def looked_at() -> "Iterator[Report | Rejected]":
        for report in stream:
            if isinstance(report, Report):
                check_data_use((), [report], endpoint, may_send)
            yield report

    return looked_at()


def estimate_run(stream: "Iterable[Report | Rejected]", llm: LlmOptions) -> "DryRun":
    """What a run would send, cost and take; no key is needed."""
    from iki_knowledge import load_knowledge

    from gpt_ie.dry_run import Limits, dry_run
    from gpt_ie.llm.models import parse_model
    from gpt_ie.llm.prices import parse_price, price_of
    from gpt_ie.prompt import load_prompt, render
    from gpt_ie.schema import Report

    if llm.model is None:
        fail("--dry-run estimates a model's tokens: name it with --model")
    model = parse_model(llm.model, llm.base_url)
    price = price_of(model) if llm.price is None else parse_price(llm.price)
    empty = Report("", {"text": ""})
    messages = render(load_prompt(prompt_source(llm.prompt)), empty, load_knowledge())
    return dry_run(
        stream,
        prompt="".join(message["content"] for message in messages),
        prices=None if price is None else (price.prompt, price.completion),
        limits=Limits(llm.rpm, llm.tpm, llm.concurrency),
    )


def prompt_source(source: str) -> str | Path:
    """A packaged prompt's name, or the path of a file."""
    return Path(source) if source.endswith(".md") else source
