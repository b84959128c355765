"""What a run would send, cost and take, before a model is asked anything."""

from collections.abc import Iterable
from dataclasses import dataclass

from gpt_ie.schema import GptIeError, Rejected, Report
from gpt_ie.screen import empty_reason, unique
from gpt_ie.tokens_estimate import estimate_tokens

_MILLION = 1_000_000
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the speed of a run.

    Attributes:
        requests_per_minute: None for no limit.
        tokens_per_minute: Sent and received; None for no limit.
        concurrency: Requests under way at once.
        latency: Seconds that one request takes.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int = 8
    latency: float = 2.0


@dataclass(frozen=True, slots=True)
class DryRun:
    """An estimate. Tokens are characters / 4; validation retries are not in it.

    Attributes:
        reports: Rows of the input.
        requests: Reports that a model would be asked about: with text, and not seen before.
        rejected: The others.
        prompt_tokens: Sent: the prompt, once a request, and the reports.
        completion_tokens: Received, by the tokens assumed for an answer.
        cost: US dollars; None where no price is given.
        seconds: What takes longest of the limits on requests, on tokens, and of the latency.
        bound: Which of them: "requests", "tokens" or "latency".
    """

    reports: int
    requests: int
    rejected: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float
    bound: str


def dry_run(
    reports: Iterable[Report | Rejected],
    *,
    prompt: str = "",
    answer_tokens: int = 300,
    prices: tuple[float, float] | None = None,
    limits: Limits | None = None,
) -> DryRun:
    """Estimate a run with a model.

    Args:
        reports: As for `gpt_ie.extract`; read to the end, in constant memory.
        prompt: All that is sent with each report: instructions, examples, the schema.
        answer_tokens: Tokens assumed for an answer.
        prices: US dollars for a million tokens sent, and received; None where not known.
        limits: What bounds the speed; None for 8 requests of 2 seconds at once.

    Returns:
        The estimate.

    Raises:
        GptIeError: When there is no report, or reading fails.
    """
    total = requests = text_tokens = 0
    for report in unique(reports):
        total += 1
        if isinstance(report, Report) and empty_reason(report) is None:
            requests += 1
            text_tokens += sum(map(estimate_tokens, report.sections.values()))
    if not total:
        raise GptIeError("there is no report to estimate from")
    sent = text_tokens + requests * estimate_tokens(prompt)
    received = requests * answer_tokens
    bound, seconds = _time(requests, sent + received, limits or Limits())
    return DryRun(
        reports=total,
        requests=requests,
        rejected=total - requests,
        prompt_tokens=sent,
        completion_tokens=received,
        cost=None if prices is None else (sent * prices[0] + received * prices[1]) / _MILLION,
        seconds=seconds,
        bound=bound,
    )


def _time(requests: int, tokens: int, limits: Limits) -> tuple[str, float]:
    """The limit that binds, and the seconds that it makes a run take."""
    times = {"latency": -(-requests // limits.concurrency) * limits.latency}
    if limits.requests_per_minute:
        times["requests"] = requests / limits.requests_per_minute * _MINUTE
    if limits.tokens_per_minute:
        times["tokens"] = tokens / limits.tokens_per_minute * _MINUTE
    return max(times.items(), key=lambda item: item[1])
