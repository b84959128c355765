"""Waits, what servers ask for, and what is left to a report."""

from datetime import UTC, datetime

import pytest
from gpt_ie.llm.retries import Allowance, Backoff, retry_after, transient
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Thursday, 01-Jan-26 12:00:10 GMT"}, 10),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_what_a_server_asks_for(headers, seconds):
    assert retry_after(headers, NOW) == seconds


@given(st.text())
def test_any_header_is_read_or_not(text):
    value = retry_after({"retry-after": text}, NOW)
    assert value is None or value >= 0


@given(st.integers(1, 5000), st.floats(0, 1))
def test_backoff_doubles_up_to_its_limit(failures, jitter):
    backoff = Backoff(1.0, 30.0)
    limit = min(30.0, 2.0 ** min(failures - 1, 10))
    assert limit / 2 <= backoff.seconds(failures, None, jitter) <= limit
    assert 12 <= backoff.seconds(failures, 12.0, jitter) <= 13


def test_statuses():
    assert all(map(transient, (408, 429, 500, 503, 529)))
    assert not any(map(transient, (200, 400, 401, 404, 413, 422)))


def test_an_allowance_ends_by_number_or_by_tokens():
    allowance = Allowance(2, 100)
    allowance.spend(40, 10)
    assert allowance.retry(50)
    assert not allowance.retry(51)
    assert allowance.retry(50)
    assert not allowance.retry(0)
    assert (allowance.prompt_tokens, allowance.completion_tokens) == (40, 10)
