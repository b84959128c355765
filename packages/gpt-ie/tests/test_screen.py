import pytest
from gpt_ie.schema import Rejected, Report
from gpt_ie.screen import empty_reason, unique


def test_the_first_of_an_id_is_kept_and_rejected_rows_take_no_id():
    rows = [
        Report("a", {"text": "x"}, 2),
        Rejected("b", 3, "no text"),
        Report("b", {"text": "x"}, 4),
        Report("a", {"text": "x"}, 5),
        Report("a", {"text": "x"}),
    ]
    kept = list(unique(rows))
    assert kept[:3] == rows[:3]
    again = [item for item in kept[3:] if isinstance(item, Rejected)]
    assert [item.row for item in again] == [5, 5]
    assert "of row 5 was already in row 2" in again[0].reason


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"text": "x", "more": ""}, None),
        ({"findings": " ", "impression": "\n"}, "no text in 'findings' and 'impression'"),
        ({}, "no text in every section"),
    ],
)
def test_a_report_without_text_says_where(sections: dict[str, str], reason: str | None):
    found = empty_reason(Report("a", sections))
    assert found == (None if reason is None else f"the report is empty: {reason}")


def test_reports_without_a_row_are_counted_from_one():
    kept = list(
        unique([Report("a", {"text": "x"}), Report("b", {"text": "x"}), *[Report("a", {})] * 2])
    )
    again = [item for item in kept if isinstance(item, Rejected)]
    assert [(item.row, item.reason[:50]) for item in again] == [
        (3, "the report id 'a' of row 3 was already in row 1: g"),
        (4, "the report id 'a' of row 4 was already in row 1: g"),
    ]
