import pytest
from gpt_ie.dry_run import Limits, dry_run
from gpt_ie.schema import GptIeError, Rejected, Report

REPORTS = [
    Report("a", {"findings": "x" * 40, "impression": "y" * 8}),
    Report("b", {"findings": " ", "impression": ""}),
    Report("a", {"findings": "again", "impression": ""}),
    Rejected(None, 5, "the report id is empty"),
    Report("c", {"findings": "z" * 20, "impression": ""}),
]


def test_tokens_are_those_of_the_reports_and_of_the_prompt_each_time():
    found = dry_run(REPORTS, prompt="p" * 400, answer_tokens=50, prices=(2.0, 10.0))
    assert (found.reports, found.requests, found.rejected) == (5, 2, 3)
    assert found.prompt_tokens == 10 + 2 + 5 + 2 * 100
    assert found.completion_tokens == 100
    assert found.cost == pytest.approx((217 * 2 + 100 * 10) / 1e6)
    assert dry_run(REPORTS).cost is None


@pytest.mark.parametrize(
    ("limits", "bound", "seconds"),
    [
        (Limits(concurrency=64, latency=1.0), "latency", 16.0),
        (Limits(100, None, 64, 1.0), "requests", 600.0),
        (Limits(100, 1000, 64, 1.0), "tokens", 900.0),
    ],
)
def test_the_slowest_limit_sets_the_time(limits: Limits, bound: str, seconds: float):
    reports = (Report(str(n), {"text": "x" * 20}) for n in range(1000))
    found = dry_run(reports, answer_tokens=10, limits=limits)
    assert (found.bound, found.seconds) == (bound, pytest.approx(seconds))


def test_no_report_is_an_error():
    with pytest.raises(GptIeError, match="no report"):
        dry_run([])
