import pytest
from gpt_ie.evaluate.evaluation import Unsupported


@pytest.mark.parametrize(("findings", "unsupported", "rate"), [(8, 2, 0.25), (3, 0, 0.0)])
def test_the_share_that_is_not_borne_by_its_report(findings: int, unsupported: int, rate: float):
    assert Unsupported(findings, unsupported, {}).rate == rate


def test_of_no_finding_there_is_no_share():
    assert Unsupported(0, 0, {}).rate is None
