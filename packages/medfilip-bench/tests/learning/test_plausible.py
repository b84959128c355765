import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_bench.learning.plausible import Plausibility


def say(category, **fields):
    return Finding(category=category, **fields)


def absent(category):
    return say(category, presence="absent")


# Three reports of ten name a mass: too few to be told from the others.
FEW = (
    [(say("mass", side="left", severity="large"),)] * 2 + [(say("mass", side="right"),)] + [()] * 7
)


def test_how_common_a_category_is_by_hand():
    found = Plausibility(FEW, ("mass", "nodule"))
    odds, rare = np.log(4 / 8), np.log(1 / 11)
    assert found.doubts([say("mass")]) == pytest.approx({"presence": -odds, "omission": rare})
    assert found.doubts([absent("mass")]) == pytest.approx({"denial": odds, "omission": rare})
    assert found.doubts([]) == pytest.approx({"omission": odds})
    both = [say("mass", presence="uncertain"), say("nodule")]
    assert found.doubts(both) == pytest.approx({"presence": -rare})


def test_sides_and_severities_are_as_common_as_in_true_reports():
    found = Plausibility(FEW, ("mass",))
    left = found.doubts([say("mass", side="left", severity="large")])
    assert left["side"] == pytest.approx(-np.log(3 / 2))
    assert left["severity"] == pytest.approx(-np.log(3 / 1))
    assert found.doubts([say("mass", side="right")])["side"] == pytest.approx(-np.log(2 / 3))
    worst = found.doubts([say("mass", side="left"), say("mass", side="bilateral")])
    assert worst["side"] == pytest.approx(-np.log(1 / 4))
    # Of what no report states nothing is known.
    assert found.doubts([say("hernia", side="left")]) == pytest.approx(
        {"side": 0.0, "omission": np.log(4 / 8)}
    )


def test_what_is_denied_has_no_side():
    found = Plausibility(FEW, ("mass",))
    denied = say("mass", presence="absent", side="left", severity="large")
    assert set(found.doubts([denied])) == {"denial"}


def test_other_statements_make_a_category_likelier():
    pair = (say("pleural_effusion"), say("atelectasis"))
    reports = [pair] * 20 + [()] * 20 + [pair[:1], pair[1:]] * 2
    found = Plausibility(reports, ("atelectasis", "hernia", "pleural_effusion"))
    alone = found.doubts([say("atelectasis")])
    assert alone["omission"] > 1
    assert found.doubts([])["omission"] < -1
    both = found.doubts(list(pair))
    assert both["presence"] < -1 < alone["presence"]
    # What is denied makes nothing likelier.
    assert found.doubts([absent("atelectasis")])["omission"] < -1


def test_a_category_does_not_speak_for_itself():
    reports = [(say("mass"), say("nodule"))] * 10 + [()] * 10
    found = Plausibility(reports, ("mass", "nodule"))
    there, denied = (found.doubts([one, say("nodule")]) for one in (say("mass"), absent("mass")))
    # Each is as likely beside the other; whether it is itself named or denied does not matter.
    assert there["presence"] == pytest.approx(-denied["denial"])
    assert there["presence"] < -1


def test_without_reports_everything_is_as_likely_as_not():
    found = Plausibility((), ("mass",))
    assert found.doubts([say("mass", side="left")]) == pytest.approx({"presence": 0.0, "side": 0.0})
