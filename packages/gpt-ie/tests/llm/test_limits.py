"""The schedule by hand and by property; the limiter with a clock that only sleeping moves."""

import asyncio

from gpt_ie.llm.limits import Limiter, Schedule
from hypothesis import given
from hypothesis import strategies as st


@given(
    st.integers(1, 20),
    st.integers(50, 500),
    st.lists(st.tuples(st.floats(0, 30), st.integers(0, 800)), min_size=1, max_size=80),
)
def test_no_minute_holds_more_than_the_limits(requests, tokens, arrivals):
    schedule = Schedule(requests, tokens)
    now = 0.0
    places = []
    for gap, wanted in arrivals:
        now += gap
        places.append(schedule.take(wanted, now))
        assert places[-1].at >= now
    assert [place.at for place in places] == sorted(place.at for place in places)
    for number, place in enumerate(places):
        window = [other for other in places[: number + 1] if other.at > place.at - 60 + 1e-6]
        assert len(window) <= requests
        assert sum(other.tokens for other in window) <= tokens


def test_places_by_hand():
    schedule = Schedule(requests=2)
    assert [schedule.take(1, now).at for now in (0, 10, 11, 12, 75)] == [0, 10, 60, 70, 120]


def test_settling_makes_room():
    schedule = Schedule(tokens=100)
    first = schedule.take(100, 0)
    schedule.settle(first, 10)
    assert schedule.take(90, 1).at == 1
    assert schedule.take(1, 2).at == 60


def test_a_pause_moves_what_waits():
    schedule = Schedule(requests=1)
    schedule.take(1, 0)
    second, third = schedule.take(1, 1), schedule.take(1, 1)
    schedule.pause(100, 2)
    assert (second.at, third.at) == (100, 160)
    assert schedule.left(second, 90) == 10


def test_without_limits_only_a_pause_holds_back():
    schedule = Schedule()
    place = schedule.take(10**9, 5)
    assert place.at == 5
    schedule.pause(7, 5)
    assert schedule.left(place, 5) == 2


def test_callers_wait_their_turn():
    now = 0.0
    left: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        await asyncio.sleep(0)

    limiter = Limiter(2, clock=lambda: now, sleep=sleep)

    async def run() -> None:
        for _ in range(5):
            await limiter.wait(1)
            left.append(now)

    asyncio.run(run())
    assert left == [0, 0, 60, 60, 120]
