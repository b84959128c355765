"""Which failures of a call pass, how long to wait, and when to give up. Pure."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_TRANSIENT = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529))


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double, with jitter so that callers do not come back all at once.

    Attributes:
        first: Longest wait before the first repetition, seconds.
        longest: Longest wait before any.
        patience: Longest wait that a server may ask for; beyond it the run stops.
    """

    first: float = 0.5
    longest: float = 30.0
    patience: float = 600.0

    def seconds(self, failures: int, asked: float | None, jitter: float | None = None) -> float:
        """How long to wait after a failure.

        Args:
            failures: So far, this one included; at least 1.
            asked: What the server asked for; None when it did not.
            jitter: In 0..1; None to draw it.

        Returns:
            Seconds: never less than what was asked for, else between half and all of
            ``min(longest, first · 2^(failures−1))``.
        """
        drawn = random.random() if jitter is None else jitter
        limit = min(self.longest, self.first * 2.0 ** min(failures - 1, 60))
        if asked is not None:
            return asked + drawn * min(self.first, 1.0)
        return limit * (0.5 + 0.5 * drawn)


def transient(status: int) -> bool:
    """Whether an HTTP status may be another one the next time."""
    return status in _TRANSIENT


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The wait that a server asks for.

    Args:
        headers: Of its answer, found by lower-case names: ``retry-after-ms``, or ``retry-after``
            as seconds or as an HTTP date (RFC 9110, 10.2.3).
        now: The time; None for the clock's.

    Returns:
        Seconds, at least 0; None when there is none that can be read.
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        seconds = _number(headers.get(name))
        if seconds is not None:
            return seconds / unit
    try:
        date = parsedate_to_datetime(headers.get("retry-after") or "")
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return max(0.0, value) if math.isfinite(value) else None


@dataclass(slots=True)
class Allowance:
    """What is left to one report: calls, and tokens for repeating them.

    Attributes:
        retries: Calls that may still follow a failed one.
        tokens: Tokens that may still be spent, sent and received.
    """

    retries: int
    tokens: int
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def spend(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Count what an answer took."""
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens
        self.tokens -= prompt_tokens + completion_tokens

    def retry(self, tokens: int) -> bool:
        """Take one repetition that may cost up to some tokens; False when it is not allowed."""
        if self.retries <= 0 or tokens > self.tokens:
            return False
        self.retries -= 1
        return True
