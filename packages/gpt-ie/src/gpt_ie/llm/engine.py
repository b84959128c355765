"""A language model as an engine: render, ask, validate, ask again, ground."""

import asyncio
import hashlib
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from iki_knowledge import KnowledgeBase, load_knowledge

from gpt_ie.answer import normalise_answer
from gpt_ie.ground import OnUnsupported, apply_unsupported, ground
from gpt_ie.llm.converse import Conversations, Settings
from gpt_ie.llm.endpoint import Endpoint
from gpt_ie.llm.gguf import LocalServer, fingerprint
from gpt_ie.llm.limits import Limiter
from gpt_ie.llm.models import Mode, api_key, parse_model
from gpt_ie.llm.prices import Price, price_of
from gpt_ie.llm.retries import Allowance, Backoff
from gpt_ie.llm.spending import Spending
from gpt_ie.prompt import load_prompt, prompt_key, prompt_model, render
from gpt_ie.prompt_file import Prompt
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.schema import Report, ReportFindings, Usage

T = TypeVar("T")

# An answer of a model file may take long, but what it takes room for is taken from the prompt's.
_LOCAL_TOKENS = 2048
_TOKENS = 4096
_LOCAL_TIMEOUT = 900.0
_TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class _Session:
    """What belongs to one event loop."""

    endpoint: Endpoint
    gate: asyncio.Semaphore


class LLMEngine:
    """Findings by a language model, grounded in the report.

    Use it as a context manager, or close it; a model file's memory is freed then.

    Attributes:
        name: E.g. ``"openai/gpt-x+default@1.0.0"``.
        key: A hash of everything that changes an answer: model, prompt, schema, dictionary,
            settings.
        model: Which model, and where.
        prompt: The prompt.
        price: None where it is not known.
        concurrency: Calls under way at once, at most.
        dropped: Findings left out because their category is still unknown after all corrections.
    """

    def __init__(
        self,
        model: str,
        prompt: str | Path | Prompt = "default",
        kb: KnowledgeBase | None = None,
        *,
        base_url: str | None = None,
        mode: Mode | None = None,
        temperature: float | None = 0.0,
        max_retries: int = 8,
        max_tokens: int | None = None,
        retry_tokens: int = 50_000,
        timeout: float | None = None,
        concurrency: int = 16,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        max_cost: float | None = None,
        price: Price | None = None,
        unsupported: OnUnsupported = "flag",
        backoff: Backoff | None = None,
    ) -> None:
        """Prepare; nothing is sent and no model is loaded before the first report.

        Args:
            model: ``openai/NAME``, ``anthropic/NAME``, ``ollama/NAME``, ``gguf:FILE``, or with
                `base_url` the server's name for it.
            prompt: "default", "paper", the path of a Markdown file, or one that is loaded.
            kb: The dictionary; None for the packaged one.
            base_url: An endpoint that speaks OpenAI's protocol, with its ``/v1``.
            mode: How the answer's shape is asked for; None for what suits the provider.
            temperature: None for the server's own.
            max_retries: Calls that may follow a failed one, for each report.
            max_tokens: Of one answer; None for 4,096, or 2,048 from a file.
            retry_tokens: A report is not repeated when that could take it beyond so many tokens.
            timeout: Seconds for one call; None for 120, or 900 with a file.
            concurrency: Calls under way at once, at most.
            requests_per_minute: None for no limit.
            tokens_per_minute: Sent and received; None for no limit.
            max_cost: US dollars; None for no limit.
            price: None to look it up.
            unsupported: What happens to findings that are not grounded.
            backoff: Waits between retries.

        Raises:
            ModelError: When the model string or the URL names nothing.
            PromptError: When the prompt cannot be used.
            EngineUnavailableError: When a key or a file is missing, or a cost limit has no price.
        """
        self.model = parse_model(model, base_url)
        self.prompt = prompt if isinstance(prompt, Prompt) else load_prompt(prompt)
        self.price = price_of(self.model) if price is None else price
        self.concurrency = concurrency
        self.dropped = 0
        self._key = api_key(self.model)
        self._kb = load_knowledge() if kb is None else kb
        self._rules = RulesEngine(self._kb)
        self._schema = prompt_model(self.prompt, self._kb)
        self._mode: Mode = mode or self.model.default_mode
        self._temperature = temperature
        local = self.model.path is not None
        self._max_tokens = max_tokens or (_LOCAL_TOKENS if local else _TOKENS)
        self._max_retries = max_retries
        self._retry_tokens = retry_tokens
        self._timeout = timeout or (_LOCAL_TIMEOUT if local else _TIMEOUT)
        self._unsupported: OnUnsupported = unsupported
        self._spending = Spending(self.price, max_cost, self.model.label)
        self._conversations = Conversations(
            Settings(
                self.prompt.format,
                self._max_tokens,
                temperature,
                self._mode,
                self.model.path is not None,
            ),
            Limiter(requests_per_minute, tokens_per_minute),
            self._spending,
            backoff or Backoff(),
        )
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, _Session] = WeakKeyDictionary()
        self._runner: asyncio.Runner | None = None
        self._server: LocalServer | None = None
        self._starting: asyncio.Task[LocalServer] | None = None
        self.name = f"{self.model.label}+{self.prompt.name}@{self.prompt.version}"
        self.key = f"{self.name}+{self._digest()}"

    @property
    def usage(self) -> Usage:
        """Everything spent so far, with retries and failed reports."""
        return self._spending.usage

    def extract(self, report: Report) -> ReportFindings:
        """As `aextract`, for callers without an event loop."""
        return self.run(self.aextract(report))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the event loop that is kept for callers without one, until `close`.

        Args:
            work: What may ask this engine; the connections it opens serve the next call too.

        Returns:
            Its result.
        """
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(work)

    async def aextract(self, report: Report) -> ReportFindings:
        """The findings of one report.

        Args:
            report: With at least one section.

        Returns:
            The findings with evidence that the report holds verbatim, and what they cost.

        Raises:
            EngineError: When there is no usable answer after all retries.
            EngineUnavailableError: When the engine cannot go on.
        """
        session = await self._session()
        async with session.gate:
            allowance = Allowance(self._max_retries, self._retry_tokens)
            chat = [
                {"role": message["role"], "content": message["content"]}
                for message in render(self.prompt, report, self._kb)
            ]
            answer = await self._conversations.answer(session.endpoint, chat, allowance)
        normalised = normalise_answer(answer, self._kb)
        self.dropped += len(normalised.unknown)
        found = ground(report, normalised.drafts, self._rules)
        return ReportFindings(
            report_id=report.report_id,
            engine=self.name,
            knowledge=self._kb.version,
            findings=apply_unsupported(found, self._unsupported),
            usage=self._spending.of(allowance),
        )

    async def aclose(self) -> None:
        """Close the connections of this event loop, and a model file's server."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.endpoint.close()
        if self._server is not None:
            self._server.close()
            self._server = None

    def close(self) -> None:
        """Close what `run` opened, and a model file's server; a second call does nothing."""
        if self._runner is not None:
            self._runner.run(self.aclose())
            self._runner.close()
            self._runner = None
        if self._server is not None:
            self._server.close()
            self._server = None

    def __enter__(self) -> "LLMEngine":
        """The engine itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    async def __aenter__(self) -> "LLMEngine":
        """The engine itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.aclose()

    async def _session(self) -> _Session:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is not None:
            return session
        url, key = await self._address()
        session = self._sessions.get(loop)
        if session is None:
            endpoint = Endpoint(
                self.model,
                url,
                key,
                mode=self._mode,
                form=self.prompt.format,
                schema=self._schema,
                timeout=self._timeout,
                connections=self.concurrency,
            )
            session = _Session(endpoint, asyncio.Semaphore(self.concurrency))
            self._sessions[loop] = session
        return session

    async def _address(self) -> tuple[str, str]:
        """URL and key; a model file's server is started once."""
        path = self.model.path
        if path is None:
            return self.model.url or "", self._key
        if self._server is None:
            if self._starting is None:
                start = asyncio.to_thread(LocalServer, path, at_once=self.concurrency)
                self._starting = asyncio.create_task(start)
            server = await asyncio.shield(self._starting)
            self._server = server
            self._starting = None
            return server.url, server.key
        return self._server.url, self._server.key

    def _digest(self) -> str:
        """A hash what is sent beside the report, and of what is done with the answer."""
        path = self.model.path
        content = [
            prompt_key(self.prompt, self._kb), self.model.label, self.model.url, self._kb.version,
            self._mode, self._temperature, self._max_tokens, self._unsupported,
            None if path is None else fingerprint(path),
        ]  # fmt: skip
        text = json.dumps(content)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
