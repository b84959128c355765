"""One report's exchange with a model: calls repeated, faults told to it, within what is allowed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpt_ie.answer import Answer, AnswerError, AnswerFormat
from gpt_ie.answer_text import parse_answer
from gpt_ie.llm.endpoint import CallError, Endpoint, Reply
from gpt_ie.llm.gguf import AGAINST_CIRCLES
from gpt_ie.llm.limits import Limiter
from gpt_ie.llm.retries import Allowance, Backoff
from gpt_ie.llm.spending import Spending
from gpt_ie.schema import EngineError, EngineUnavailableError

# Of the retries, so many may be spent on telling a model what is wrong with its answer.
_CORRECTIONS = 3
# After so many refusals and not one answer, the request itself is at fault, not the reports.
_REFUSALS = 5
# Warmer after an answer that ran on to its limit, for the same request would run on again.
_WARMER = 0.4
_ECHOED = 8000
Chat = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides on a model's answers beside the chat.

    Attributes:
        form: Of the prompt.
        max_tokens: Of one answer.
        temperature: None for the server's own.
        mode: How the shape is asked for, for messages.
        local: Whether a model file is run by this process.
    """

    form: AnswerFormat
    max_tokens: int
    temperature: float | None
    mode: str
    local: bool


@dataclass(frozen=True, slots=True)
class _Style:
    """How one call is sampled."""

    temperature: float | None
    extra: Mapping[str, object] | None = None


class Conversations:
    """All exchanges of an engine, under shared limits."""

    def __init__(
        self, settings: Settings, limiter: Limiter, spending: Spending, backoff: Backoff
    ) -> None:
        """Put the parts together.

        Args:
            settings: Of the engine.
            limiter: Waited on before each call.
            spending: Counts each call.
            backoff: Waits after failures.
        """
        self._settings = settings
        self._limiter = limiter
        self._spending = spending
        self._backoff = backoff
        self._refusals = 0

    async def answer(self, endpoint: Endpoint, chat: Chat, allowance: Allowance) -> Answer:
        """Ask until there is an answer, or nothing more is allowed.

        Args:
            endpoint: Of this event loop.
            chat: As rendered.
            allowance: Of this report; counts what it takes.

        Returns:
            The answer; some of its categories may be unknown when all corrections were in vain.

        Raises:
            EngineError: When there is no valid answer.
            EngineUnavailableError: When the engine cannot go on.
        """
        asked = chat
        style = _Style(self._settings.temperature)
        corrections = 0
        while True:
            reply = await self._reply(endpoint, asked, allowance, style)
            if reply.answer is not None:
                return reply.answer
            fault = reply.fault or AnswerError("the answer is faulty", "")
            corrections += 1
            expected = sum(self._spending.expected(_length(asked)))
            if corrections > _CORRECTIONS or not allowance.retry(expected):
                return self._salvage(reply, fault)
            asked = _corrected(chat, reply, fault)
            if reply.cut:
                style = self._warmer()

    def _warmer(self) -> _Style:
        """For a call after an answer that ran on to its limit."""
        warm = (
            None if self._settings.temperature is None else max(self._settings.temperature, _WARMER)
        )
        return _Style(warm, AGAINST_CIRCLES if self._settings.local else None)

    def _salvage(self, reply: Reply, fault: AnswerError) -> Answer:
        """The last answer, if nothing but unknown categories is wrong with it; they are dropped."""
        try:
            if not reply.cut:
                return parse_answer(reply.text, self._settings.form)
        except AnswerError:
            pass
        raise EngineError(f"no valid answer: {fault}")

    async def _reply(
        self, endpoint: Endpoint, chat: Chat, allowance: Allowance, style: _Style
    ) -> Reply:
        """One reply, repeating calls that fail in passing."""
        failures = 0
        while True:
            try:
                return await self._call(endpoint, chat, allowance, style)
            except CallError as error:
                failures += 1
                self._give_up(error, allowance, sum(self._spending.expected(_length(chat))))
                if error.wait is not None:
                    self._limiter.pause(error.wait)
                await asyncio.sleep(self._backoff.seconds(failures, error.wait))

    def _give_up(self, error: CallError, allowance: Allowance, expected: int) -> None:
        """Raise when a failed call must not be repeated."""
        if not error.passing:
            self._refusals += 1
            if self._refusals >= _REFUSALS and not self._spending.usage.prompt_tokens:
                raise EngineUnavailableError(
                    f"every request is refused: {error.reason}; check --model and --mode "
                    f"(now {self._settings.mode})"
                ) from error
            raise EngineError(error.reason) from error
        if error.wait is not None and error.wait > self._backoff.patience:
            raise EngineUnavailableError(
                f"{error.reason} and asks to wait {error.wait:.0f} s: run the same command again "
                "then; what is done is kept"
            ) from error
        if allowance.retry(expected):
            return
        if error.unreached:
            raise EngineUnavailableError(f"{error.reason}: is the server running?") from error
        raise EngineError(f"{error.reason}; {allowance.calls} calls made") from error

    async def _call(
        self, endpoint: Endpoint, chat: Chat, allowance: Allowance, style: _Style
    ) -> Reply:
        """One call under the limits, counted."""
        characters = _length(chat)
        aside = self._spending.begin(characters)
        try:
            place = await self._limiter.wait(sum(self._spending.expected(characters)))
            allowance.calls += 1
            reply = await endpoint.ask(
                chat, self._settings.max_tokens, style.temperature, style.extra
            )
        finally:
            self._spending.end(aside)
        allowance.spend(reply.prompt_tokens, reply.completion_tokens)
        self._spending.answered(characters, reply.prompt_tokens, reply.completion_tokens)
        self._limiter.settle(place, reply.prompt_tokens + reply.completion_tokens)
        return reply


def _length(chat: Chat) -> int:
    return sum(len(message["content"]) for message in chat)


def _corrected(chat: Chat, reply: Reply, fault: AnswerError) -> Chat:
    """The chat with the model's last answer and what is wrong with it, without earlier ones."""
    if reply.cut or not reply.text.strip():
        last = chat[-1]
        return [*chat[:-1], {**last, "content": f"{last['content']}\n\n{fault.feedback}"}]
    return [
        *chat,
        {"role": "assistant", "content": reply.text[:_ECHOED]},
        {"role": "user", "content": fault.feedback},
    ]
