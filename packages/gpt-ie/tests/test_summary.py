"""What a run did, counted in any order."""

import random
from pathlib import Path

import pytest
from gpt_ie.produce import Produced, reject
from gpt_ie.schema import Rejected, Usage
from gpt_ie.store import Entry
from gpt_ie.summary import CategoryCount, ExtractionSummary, Tally

OUT = Path("x.jsonl")


def found(*pairs: tuple[str, str], unsupported: int = 0, usage: Usage | None = None) -> Produced:
    return Produced(Entry("ok", "{}"), pairs, unsupported, usage)


def spent(calls: int, cost: float | None) -> Usage:
    return Usage(calls=calls, prompt_tokens=10 * calls, completion_tokens=calls, cost=cost)


def summary_of(tally: Tally, seconds: float = 2.0) -> ExtractionSummary:
    return tally.summary(OUT, None, "e@1", seconds)


def test_categories_are_counted_by_finding_and_by_report():
    tally = Tally()
    tally.add(0, found(("mass", "present"), ("mass", "absent"), ("edema", "absent")), reused=False)
    tally.add(1, found(("edema", "uncertain"), unsupported=2), reused=True)
    tally.add(2, found(("edema", "present"), ("hernia", "present")), reused=False)
    tally.add(3, found(), reused=False)
    summary = summary_of(tally)
    assert (summary.reports, summary.failed, summary.findings, summary.resumed) == (4, 0, 6, 1)
    assert summary.unsupported == 2
    assert list(summary.by_category) == ["edema", "hernia", "mass"], "equal ones by their name"
    assert summary.by_category["mass"] == CategoryCount(1, 0, 1, reports=1)
    assert summary.by_category["edema"] == CategoryCount(1, 1, 1, reports=3)
    assert summary.rate == 2.0


def test_the_first_failures_are_those_of_the_input_in_whatever_order_they_come():
    places = list(range(20))
    random.Random(0).shuffle(places)
    tally = Tally()
    for place in places:
        tally.add(place, reject(Rejected(f"r{place}", place + 2, "no text")), reused=False)
    summary = summary_of(tally)
    assert [failure.report_id for failure in summary.first_failures] == [
        "r0", "r1", "r2", "r3", "r4"
    ]  # fmt: skip
    assert (summary.reports, summary.failed, summary.findings) == (20, 20, 0)
    assert summary.first_failures[1] == Rejected("r1", 3, "no text")


@pytest.mark.parametrize(
    ("costs", "total"), [((0.5, 0.25), 0.75), ((0.5, None), 0.5), ((None, None), None)]
)
def test_what_was_spent_is_told_apart_from_what_was_taken_over(
    costs: tuple[float | None, float | None], total: float | None
):
    tally = Tally()
    assert summary_of(tally).usage is None
    for number, cost in enumerate(costs):
        tally.add(number, found(usage=spent(2, cost)), reused=False)
    failed = reject(Rejected("f", 9, "no answer"), spent(5, 1.0))
    tally.add(8, failed, reused=True)
    summary = summary_of(tally)
    assert summary.usage == spent(4, total)
    assert summary.usage_resumed == spent(5, 1.0)
    assert summary.failed == 1


def test_no_time_is_no_rate():
    assert summary_of(Tally(), seconds=0.0).rate == 0.0
