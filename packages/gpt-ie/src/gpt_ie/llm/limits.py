"""How many requests and tokens a minute may leave: the schedule is pure, its clock is given."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

_WINDOW = 60.0


class Ticket:
    """A place in the schedule, and what was set aside for it."""

    __slots__ = ("at", "tokens")

    def __init__(self, at: float, tokens: int) -> None:
        """A place at a time, with its tokens."""
        self.at = at
        self.tokens = tokens


class Schedule:
    """When each request may leave, such that no 60 seconds hold more than the limits.

    Places are given in the order in which they are asked for; a place once given stays.
    """

    def __init__(self, requests: int | None = None, tokens: int | None = None) -> None:
        """Set the limits.

        Args:
            requests: Requests a minute; None for no limit.
            tokens: Tokens a minute, sent and received; None for no limit.
        """
        self._requests = requests
        self._tokens = tokens
        self._taken: deque[Ticket] = deque()
        self._resume = float("-inf")

    def take(self, tokens: int, now: float) -> Ticket:
        """The next place.

        Args:
            tokens: Expected, sent and received; more than a minute's tokens count as just those.
            now: Seconds of the clock, never falling.

        Returns:
            The place; its time is not before `now`.
        """
        if self._requests is None and self._tokens is None:
            return Ticket(max(now, self._resume), tokens)
        wanted = tokens if self._tokens is None else min(tokens, self._tokens)
        while self._taken and self._taken[0].at <= now - _WINDOW:
            self._taken.popleft()
        at = max(now, self._resume)
        if self._taken:
            at = max(at, self._taken[-1].at)
        total = 0
        # From the newest back: the first place that no longer fits must have left the window.
        for count, ticket in enumerate(reversed(self._taken), start=1):
            total += ticket.tokens
            full = self._requests is not None and count >= self._requests
            heavy = self._tokens is not None and total + wanted > self._tokens
            if full or heavy:
                at = max(at, ticket.at + _WINDOW)
                break
        place = Ticket(at, wanted)
        self._taken.append(place)
        return place

    def settle(self, place: Ticket, tokens: int) -> None:
        """Correct a place by what the request really took."""
        place.tokens = tokens if self._tokens is None else min(tokens, self._tokens)

    def pause(self, until: float, now: float) -> None:
        """Let nothing leave before a time, as a server asked; the places given move along."""
        self._resume = max(self._resume, until)
        waiting = [place for place in self._taken if place.at > now]
        shift = self._resume - waiting[0].at if waiting else 0.0
        for place in waiting:
            place.at += max(0.0, shift)

    def left(self, place: Ticket, now: float) -> float:
        """Seconds until a place's turn; 0 or less when it has come."""
        return max(place.at, self._resume) - now


class Limiter:
    """A schedule that callers wait on."""

    def __init__(
        self,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Set the limits.

        Args:
            requests_per_minute: None for no limit.
            tokens_per_minute: Sent and received; None for no limit.
            clock: Seconds, never falling.
            sleep: Waits for seconds.
        """
        self._schedule = Schedule(requests_per_minute, tokens_per_minute)
        self._clock = clock
        self._sleep = sleep

    async def wait(self, tokens: int) -> Ticket:
        """Wait for a turn.

        Args:
            tokens: Expected for the request.

        Returns:
            The place, to be settled when the tokens are known.
        """
        place = self._schedule.take(tokens, self._clock())
        while (left := self._schedule.left(place, self._clock())) > 0:
            await self._sleep(left)
        return place

    def settle(self, place: Ticket, tokens: int) -> None:
        """Correct a place by what the request really took."""
        self._schedule.settle(place, tokens)

    def pause(self, seconds: float) -> None:
        """Hold every request back for some seconds."""
        now = self._clock()
        self._schedule.pause(now + seconds, now)
