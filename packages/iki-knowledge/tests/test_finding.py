import pytest
from iki_knowledge import Finding
from pydantic import ValidationError


def test_a_category_alone_is_a_present_finding():
    finding = Finding(category="nodule")
    assert finding.presence == "present"
    assert (finding.severity, finding.side, finding.region, finding.trend) == (None,) * 4


def test_frozen_hashable_and_equal_by_value():
    finding = Finding(category="nodule", side="left")
    with pytest.raises(ValidationError, match="frozen"):
        finding.side = "right"
    assert {finding, Finding(category="nodule", side="left")} == {finding}


@pytest.mark.parametrize(
    "wrong", [{"side": "both"}, {"presence": "maybe"}, {"trend": "better"}, {"colour": "red"}, {}]
)
def test_what_is_outside_the_closed_fields_is_refused(wrong):
    base = {"category": "nodule"} if wrong else {}
    with pytest.raises(ValidationError):
        Finding.model_validate({**base, **wrong})


def test_round_trip_through_json():
    finding = Finding(category="mass", severity="large", side="right", region="apex", trend="new")
    assert Finding.model_validate_json(finding.model_dump_json()) == finding
