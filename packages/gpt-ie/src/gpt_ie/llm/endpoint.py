"""One call to an endpoint: the answer, or why there is none. No retries here."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from gpt_ie.answer import Answer, AnswerError, AnswerFormat, answer_error
from gpt_ie.answer_text import parse_answer
from gpt_ie.llm.models import Mode, Model
from gpt_ie.llm.retries import retry_after, transient
from gpt_ie.schema import EngineUnavailableError

if TYPE_CHECKING:
    from openai import APIStatusError

_REFUSED = (401, 402, 403)
_CODE_LENGTH = 40
# How far down the causes of an error are looked at; they may go round in circles.
_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered.

    Attributes:
        text: As it wrote it; may quote the report.
        answer: Validated; None when it is faulty.
        fault: What is wrong with it; None when nothing is.
        cut: Whether it reached the limit of its length.
        prompt_tokens: Sent, as the server counts; 0 where it does not.
        completion_tokens: Received.
    """

    text: str
    answer: Answer | None
    fault: AnswerError | None
    cut: bool
    prompt_tokens: int
    completion_tokens: int


class CallError(Exception):
    """A call without an answer.

    Attributes:
        reason: For messages; without text of report or answer.
        passing: Whether the same call may succeed later.
        wait: Seconds that the server asks for.
        unreached: Whether no server was there at all.
    """

    def __init__(
        self,
        reason: str,
        *,
        passing: bool = True,
        wait: float | None = None,
        unreached: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing
        self.wait = wait
        self.unreached = unreached


class Endpoint:
    """A server that speaks OpenAI's protocol, for the event loop in which it is made."""

    def __init__(
        self,
        model: Model,
        url: str,
        key: str,
        *,
        mode: Mode,
        form: AnswerFormat,
        schema: type[Answer],
        timeout: float,
        connections: int,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            model: Which model to ask for.
            url: Base of the endpoint.
            key: Sent with each request.
            mode: How the shape of the answer is asked for.
            form: Of the prompt; "paper" is answered in plain text.
            schema: Of the answer.
            timeout: Seconds for one call from end to end.
            connections: At most so many at once.

        Raises:
            EngineUnavailableError: When the extra is not installed.
        """
        try:
            import httpx2
            import instructor
            import openai
            from instructor.core import IncompleteOutputException, InstructorRetryException
        except ImportError as error:
            raise EngineUnavailableError(
                "a language model needs the client: pip install 'gpt-ie[llm]' (or uv sync --extra "
                "llm)"
            ) from error
        # Their messages quote answers, and so reports.
        logging.getLogger("instructor").setLevel(logging.CRITICAL + 1)
        logging.getLogger("openai").setLevel(logging.WARNING)
        self._openai = openai
        self._wrapped = InstructorRetryException
        self._incomplete = IncompleteOutputException
        self._model = model
        self._form: AnswerFormat = form
        self._schema = schema
        self._timeout = timeout
        self._client = openai.AsyncOpenAI(
            api_key=key,
            base_url=url,
            max_retries=0,
            timeout=timeout,
            http_client=openai.DefaultAsyncHttpxClient(
                limits=httpx2.Limits(
                    max_connections=connections, max_keepalive_connections=connections
                ),
                timeout=timeout,
                # What is meant for this machine must not leave it through a proxy or a redirect.
                trust_env=not model.loopback,
                follow_redirects=False,
            ),
        )
        # Made once; of a plain model instructor would make a class, and its schema, with each call.
        self._shape: Any = instructor.openai_schema(schema)
        self._structured: Any = instructor.patch(
            create=self._create, mode=instructor.Mode(_INSTRUCTOR[mode])
        )

    async def ask(
        self,
        messages: Sequence[Mapping[str, str]],
        max_tokens: int,
        temperature: float | None,
        extra: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Ask once.

        Args:
            messages: The chat so far.
            max_tokens: Of the answer.
            temperature: None for the server's own.
            extra: Settings that this server knows beside OpenAI's.

        Returns:
            The reply, with an answer or a fault.

        Raises:
            CallError: When there is no reply.
            EngineUnavailableError: When the server will never answer: key refused, no such model.
        """
        settings: dict[str, Any] = {
            "model": self._model.name,
            "messages": [dict(message) for message in messages],
            # OpenAI's newer models know only the longer name, many other servers only the shorter.
            "max_completion_tokens" if self._model.provider == "openai" else "max_tokens": (
                max_tokens
            ),
        }
        if temperature is not None and not self._model.reasons:
            settings["temperature"] = temperature
        if extra:
            settings["extra_body"] = dict(extra)
        try:
            async with asyncio.timeout(self._timeout):
                if self._form == "paper":
                    return self._plain(await self._create(**settings))
                return await self._shaped(settings)
        except TimeoutError as error:
            raise CallError(f"no answer within {self._timeout:g} s") from error
        except self._openai.APIStatusError as error:
            raise self._status_error(error) from error
        except self._openai.APITimeoutError as error:
            raise CallError(f"no answer within {self._timeout:g} s") from error
        except self._openai.APIConnectionError as error:
            raise self._connection_error(error) from error
        except (self._openai.OpenAIError, ValueError) as error:
            raise CallError("the server's response is no valid JSON, or was cut off") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _create(self, **settings: Any) -> Any:  # noqa: ANN401 - instructor's own signature
        # The client walks through all that it knows of a body, and the schema is most of it.
        shape = settings.pop("response_format", None)
        if shape is not None:
            settings["extra_body"] = {
                **(settings.get("extra_body") or {}),
                "response_format": shape,
            }
        completion = await self._client.chat.completions.create(**settings)
        choices = getattr(completion, "choices", None)
        if not choices or choices[0].message is None:
            raise CallError("the server's response holds no answer")
        return completion

    async def _shaped(self, settings: dict[str, Any]) -> Reply:
        """Ask for an answer in the schema's shape, and validate it, through instructor."""
        try:
            answer = await self._structured(
                response_model=self._shape, max_retries=0, strict=False, **settings
            )
        except self._incomplete as error:
            return _reply(error.last_completion, None, _cut_off())
        except self._wrapped as error:
            if error.last_completion is not None:
                return _reply(error.last_completion, None, _fault(error.__cause__))
            failure = error.__cause__ or error
        else:
            return _reply(answer._raw_response, answer, None)
        raise failure

    def _plain(self, completion: Any) -> Reply:  # noqa: ANN401
        """Read a plain answer in the prompt's own format."""
        text = _text(completion)
        if completion.choices[0].finish_reason == "length":
            return _reply(completion, None, _cut_off())
        try:
            return _reply(completion, parse_answer(text, self._form, self._schema), None)
        except AnswerError as error:
            return _reply(completion, None, error)

    def _status_error(self, error: "APIStatusError") -> CallError:
        status = error.status_code
        code = _code(error)
        said = f"HTTP {status}{f' ({code})' if code else ''}"
        if status in _REFUSED or code == "insufficient_quota":
            raise EngineUnavailableError(
                f"{self._where()} refuses the key or the account: {said}"
            ) from error
        if status == 404 or code == "model_not_found":
            raise EngineUnavailableError(
                f"{self._where()} has no model {self._model.name!r}, or no chat endpoint: {said}; "
                "check --model, and that --base-url ends as the server wants it (often /v1)"
            ) from error
        wait = retry_after({name.lower(): value for name, value in error.response.headers.items()})
        return CallError(f"the server answered {said}", passing=transient(status), wait=wait)

    def _connection_error(self, error: Exception) -> CallError:
        cause: BaseException | None = error
        for _ in range(_DEPTH):
            if type(cause).__name__ == "ConnectError" or isinstance(cause, ConnectionRefusedError):
                return CallError(f"cannot connect to {self._where()}", unreached=True)
            cause = cause.__cause__ or cause.__context__ if cause is not None else None
        return CallError("the connection broke off")

    def _where(self) -> str:
        return f"{self._client.base_url.scheme}://{self._client.base_url.netloc.decode()}"


_INSTRUCTOR: Mapping[Mode, str] = {
    "json_schema": "json_schema_mode",
    "tools": "tool_call",
    "json": "json_mode",
    "md_json": "markdown_json_mode",
}


def _reply(completion: Any, answer: Answer | None, fault: AnswerError | None) -> Reply:  # noqa: ANN401
    usage = completion.usage
    return Reply(
        text=_text(completion),
        answer=answer,
        fault=fault,
        cut=completion.choices[0].finish_reason == "length",
        prompt_tokens=getattr(usage, "prompt_tokens", None) or 0,
        completion_tokens=getattr(usage, "completion_tokens", None) or 0,
    )


def _text(completion: Any) -> str:  # noqa: ANN401
    message = completion.choices[0].message
    for call in message.tool_calls or ():
        return str(call.function.arguments)
    return message.content or ""


def _cut_off() -> AnswerError:
    return AnswerError(
        "the answer is longer than the limit of its tokens",
        "Your last answer was too long and was cut off. Give a shorter one: each finding once, "
        "with the shortest quotation.",
    )


def _fault(error: BaseException | None) -> AnswerError:
    if isinstance(error, ValidationError):
        if any(fault["type"] == "json_invalid" for fault in error.errors(include_url=False)):
            error = None
        else:
            return answer_error(error)
    return AnswerError(
        "the answer is not JSON, or was cut off",
        "Your answer is not one whole JSON object. Give it again, and nothing else.",
    )


def _code(error: "APIStatusError") -> str:
    """The server's word for the error, where it is one word; its message may quote the request."""
    body = error.body if isinstance(error.body, dict) else {}
    for name in ("code", "type"):
        value = body.get(name)
        if isinstance(value, str) and value.replace("_", "").isalnum():
            return value[:_CODE_LENGTH]
    return ""
