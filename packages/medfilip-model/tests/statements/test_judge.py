import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.statements.evidence import Reading
from medfilip_model.statements.fit import StatementFit
from medfilip_model.statements.judge import DECISIVE, Judged, judge
from medfilip_model.statements.verdict import Judgement

Say, Read, Plain = Callable[..., Finding], Callable[..., Reading], Callable[..., StatementFit]
Raised = Callable[..., float]
# Odds of a wrong statement; one large heart in five is left out, and one in ten is large.
WRONG, HEART_UNSAID = 1 / 19, 1 / 5 / 9
EFFUSION, HEART = "pleural_effusion", "cardiomegaly"
NUMBERS = st.floats(-6, 6, width=16)


def slots_of(one: Judgement) -> dict[str, tuple[str, str | None, str]]:
    return {slot.slot: (slot.stated, slot.image, slot.verdict) for slot in one.slots}


def below(value: float) -> float:
    return float(np.nextafter(value, 0))


@pytest.fixture
def of(kb: KnowledgeBase) -> Callable[..., Judged]:
    """What is said of an image whose evidence for some categories is known."""
    return lambda stated, **others: judge(None, None, stated, kb, others)


def test_three_to_one_decides(of: Callable[..., Judged], say: Say):
    assert math.log(3) == DECISIVE
    there, denied = say("mass"), say("mass", presence="absent")
    doubtful = say("mass", presence="uncertain")
    verdicts = {
        evidence: [one.verdict for one in of([there, doubtful, denied], mass=evidence).judgements]
        for evidence in (DECISIVE, below(DECISIVE), -below(DECISIVE), -DECISIVE)
    }
    assert list(verdicts.values()) == [
        ["supported", "supported", "contradicted"],
        ["undecided"] * 3,
        ["undecided"] * 3,
        ["contradicted", "contradicted", "supported"],
    ]


def test_presence_says_what_the_image_shows(of: Callable[..., Judged], say: Say, raised: Raised):
    found = of([say("mass"), say("nodule", presence="absent"), say("hernia")], mass=2.0, nodule=3.0)
    mass, nodule, hernia = found.judgements
    assert slots_of(mass) == {"presence": ("present", "present", "supported")}
    assert slots_of(nodule) == {"presence": ("absent", "present", "contradicted")}
    assert [one.slots[0].evidence for one in found.judgements] == [2.0, -3.0, None]
    assert slots_of(hernia) == {"presence": ("present", None, "undecided")}
    assert [one.probability for one in found.judgements] == [None] * 3
    assert found.doubts == {"presence": -2.0, "denial": 3.0}
    assert found.score == pytest.approx(raised((-2.0, WRONG), (3.0, WRONG)))
    assert found.omissions == ()
    assert mass.against is None
    assert nodule.against == nodule.slots[0]


def test_nothing_known_decides_nothing(kb: KnowledgeBase, say: Say):
    stated = [say("mass", side="left", severity="large"), say("nodule", presence="absent")]
    found = judge(None, None, stated, kb)
    assert [one.finding for one in found.judgements] == stated
    assert slots_of(found.judgements[0]) == {
        "presence": ("present", None, "undecided"),
        "side": ("left", None, "undecided"),
        "severity": ("large", None, "undecided"),
    }
    assert {slot.evidence for one in found.judgements for slot in one.slots} == {None}
    assert (found.omissions, found.doubts, found.score) == ((), {}, 0.0)


def test_evidence_and_probability_by_hand(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say
):
    fit = statement_fit.model_copy(update={"presence": 0.5})
    found = judge(fit, read(3.0, 1.0), [say(EFFUSION), say(HEART)], kb)
    effusion, heart = found.judgements
    # Each with the other: half of 2 x - 4, and half of x - 2 + 8 y - 17 / 2.
    assert effusion.slots[0].evidence == pytest.approx(1.0)
    assert heart.slots[0].evidence == pytest.approx(0.25)
    odds = [one.probability / (1 - one.probability) for one in (effusion, heart)]
    assert odds == pytest.approx([50 / 50 * math.e, 10 / 90 * math.exp(0.25)])


@settings(max_examples=50, deadline=None)
@given(x=NUMBERS, y=NUMBERS, beside=st.booleans())
def test_evidence_for_it_is_evidence_against_its_denial(
    plain_fit: Plain, kb: KnowledgeBase, x: float, y: float, beside: bool
):
    fit = plain_fit("mass", "hernia")
    other = [Finding(category="hernia")] if beside else []
    reading = Reading(np.array([x, y]), {})
    (there, *_), (denied, *_) = (
        judge(fit, reading, [Finding(category="mass", presence=presence), *other], kb).judgements
        for presence in ("present", "absent")
    )
    assert there.slots[0].evidence == pytest.approx(-denied.slots[0].evidence, abs=1e-9)
    assert there.slots[0].image == denied.slots[0].image
    assert there.probability == denied.probability
    opposite = {"supported": "contradicted", "contradicted": "supported"}
    assert denied.verdict == opposite.get(there.verdict, "undecided")


def test_what_the_fit_does_not_know_is_read_by_a_broader_category(
    plain_fit: Plain, kb: KnowledgeBase, read: Read, say: Say
):
    fit = plain_fit("lung_opacity", "hernia")
    stated = [say("covid19"), say("pneumonia", presence="absent")]
    (covid, denied), (absent, right) = (
        judge(fit, read(value, 0), stated, kb).judgements for value in (4, -4)
    )
    # It is there; whether it is of this kind stays open.
    assert slots_of(covid) == {"presence": ("present", "present", "undecided")}
    assert slots_of(denied) == {"presence": ("absent", "present", "undecided")}
    assert covid.slots[0].evidence == pytest.approx(8.0)
    assert slots_of(absent) == {"presence": ("present", "absent", "contradicted")}
    assert slots_of(right) == {"presence": ("absent", "absent", "supported")}
    # How likely an opacity is is not how likely this kind of it is.
    assert {one.probability for one in (covid, denied, absent, right)} == {None}


def test_a_broader_category_that_is_there_is_no_doubt_of_a_narrower_denial(
    plain_fit: Plain, kb: KnowledgeBase, read: Read, say: Say
):
    fit = plain_fit("lung_opacity", "hernia")
    denial = say("pneumonia", presence="absent")
    # Evidence of 8 and of 0.4 for an opacity.
    for value in (4.0, 2.1):
        found = judge(fit, read(value, 0), [say("lung_opacity"), denial], kb)
        assert found.judgements[1].slots[0].evidence is None
        assert "denial" not in found.doubts
        assert found.score < 0
    doubts = judge(fit, read(0, 0), [denial], kb).doubts
    assert doubts["denial"] == pytest.approx(-8.0)


def test_others_come_before_a_broader_category_and_after_the_fit(
    plain_fit: Plain, kb: KnowledgeBase, read: Read, say: Say
):
    fit = plain_fit("lung_opacity", "hernia")
    others = {"covid19": -2.0, "hernia": 5.0}
    found = judge(fit, read(4, 0), [say("covid19"), say("hernia"), say("rib_fracture")], kb, others)
    evidence = [one.slots[0].evidence for one in found.judgements]
    assert evidence == [-2.0, pytest.approx(-8.0), None]
    assert found.judgements[0].probability is None


def test_sides_by_hand(statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say):
    fit = statement_fit.model_copy(update={"side": 2.0})
    reading = read(4.0, 0.0, left=3.0, right=0.0)
    judged = {
        side: judge(fit, reading, [say(EFFUSION, side=side)], kb).judgements[0]
        for side in ("left", "right", "bilateral")
    }
    # Twice 0 for the left, -4 for the right, -2 for both.
    rest = np.logaddexp(-4.0, -8.0) - math.log(2)
    assert judged["left"].slots[1].evidence == pytest.approx(-rest)
    assert slots_of(judged["left"])["side"] == ("left", "left", "supported")
    assert slots_of(judged["right"])["side"] == ("right", "left", "contradicted")
    assert slots_of(judged["bilateral"])["side"] == ("bilateral", "left", "contradicted")
    against = -8.0 - np.logaddexp(0.0, -4.0) + math.log(2)
    assert judged["right"].slots[1].evidence == pytest.approx(against)
    assert [one.verdict for one in judged.values()] == ["supported"] + ["contradicted"] * 2
    assert judged["right"].against == judged["right"].slots[1]


@settings(max_examples=50, deadline=None)
@given(left=NUMBERS, right=NUMBERS, scale=st.sampled_from([0.02, 0.5, 2.0]))
def test_the_likeliest_of_several_is_never_contradicted(
    statement_fit: StatementFit, kb: KnowledgeBase, left: float, right: float, scale: float
):
    fit = statement_fit.model_copy(update={"side": scale})
    halves = {"left": np.array([left]), "right": np.array([right])}
    reading = Reading(np.array([4.0, 0.0]), halves)
    likely = fit.model.sides(reading, {}, EFFUSION)
    for side, value in likely.items():
        stated = [Finding(category=EFFUSION, side=side)]
        slot = judge(fit, reading, stated, kb).judgements[0].slots[1]
        assert slot.evidence is not None
        # Each is as likely before: the likeliest is likelier than the others are on average.
        if value == max(likely.values()):
            assert slot.evidence >= -1e-9
            assert slot.verdict != "contradicted"


def test_severities_by_hand(statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say):
    fit = statement_fit.model_copy(update={"severity": 4.0})
    # An effusion of rank 4 reads 3.
    judged = {
        word: judge(fit, read(3.0, 0.0), [say(EFFUSION, severity=word)], kb).judgements[0]
        for word in ("large", "severe", "small", "mild")
    }
    (large, severe, small, mild) = (slots_of(one)["severity"] for one in judged.values())
    # Four times -4.5, -2, -1/2 and 0.
    rest = float(np.logaddexp.reduce([-18.0, -8.0, -2.0])) - math.log(3)
    assert judged["large"].slots[1].evidence == pytest.approx(-rest)
    assert large == ("large", "large", "supported")
    # A word that the dictionary has not for effusions counts as the grade that it means.
    assert severe == ("severe", "severe", "supported")
    assert small == ("small", "large", "contradicted")
    assert mild == ("mild", "large", "contradicted")
    assert judged["small"].verdict == "contradicted"


def test_a_severity_of_no_rank_is_not_judged(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say
):
    (one,) = judge(statement_fit, read(3, 0), [say(EFFUSION, severity="huge")], kb).judgements
    assert set(slots_of(one)) == {"presence"}
    (heart,) = judge(statement_fit, read(1, 2), [say(HEART, severity="severe")], kb).judgements
    assert slots_of(heart)["severity"] == ("severe", None, "undecided")


def test_what_is_not_there_has_neither_side_nor_severity(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say, raised: Raised
):
    stated = [say(EFFUSION, side="right", severity="large")]
    found = judge(statement_fit, read(-1.0, 0.0, left=7.0, right=0.0), stated, kb)
    (one,) = found.judgements
    assert slots_of(one) == {
        "presence": ("present", "absent", "contradicted"),
        "side": ("right", None, "undecided"),
        "severity": ("large", None, "undecided"),
    }
    # The doubt of the side is told, but counts for nothing.
    assert found.doubts["side"] > found.doubts["presence"] == pytest.approx(4.0)
    # A large heart would have raised the second reading: -1 + 8 x 0 - 17 / 2.
    assert found.score == pytest.approx(raised((4.0, WRONG), (-9.5, HEART_UNSAID)))
    assert one.against == one.slots[0]


def test_a_wrong_side_counts_where_the_finding_is_there(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say, raised: Raised
):
    stated = [say(EFFUSION, side="right")]
    found = judge(statement_fit, read(4.0, 0.0, left=7.0, right=0.0), stated, kb)
    heart = found.doubts["omission"]
    points = (-6.0, WRONG), (found.doubts["side"], WRONG), (heart, HEART_UNSAID)
    assert found.score == pytest.approx(raised(*points))
    assert found.score > DECISIVE
    assert found.doubts["side"] == -found.judgements[0].slots[1].evidence


def test_the_worst_statement_of_a_kind_counts(of: Callable[..., Judged], say: Say, raised: Raised):
    found = of([say("mass"), say("nodule"), say("hernia")], mass=3.0, nodule=-2.0, hernia=1.0)
    assert found.doubts == {"presence": 2.0}
    assert found.score == pytest.approx(raised((-3.0, WRONG), (2.0, WRONG), (-1.0, WRONG)))


def test_a_denied_side_is_not_judged(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say
):
    stated = [say(EFFUSION, presence="absent", side="left", severity="small")]
    (one,) = judge(statement_fit, read(4, 0), stated, kb).judgements
    assert set(slots_of(one)) == {"presence"}


def test_the_slot_that_speaks_most_against_a_finding_is_named(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say
):
    # A large effusion on the left; first its side is off by more, then its severity.
    for left, whole, worst in ((9.0, 3.2, "side"), (2.9, 6.0, "severity")):
        stated = [say(EFFUSION, side="right", severity="trace")]
        (one,) = judge(statement_fit, read(whole, 0, left=left, right=-1.0), stated, kb).judgements
        assert [slot.verdict for slot in one.slots] == ["supported", "contradicted", "contradicted"]
        assert one.against is not None
        assert one.against.slot == worst


def test_a_denial_of_one_side_is_judged_by_that_half(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say
):
    # An effusion on the left: a reading of 3 there, 1 of them the constant; twice 2 less 2 by hand.
    reading = read(2.0, 0.0, left=3.0, right=0.0)
    denied = {side: say(EFFUSION, presence="absent", side=side) for side in ("left", "right")}
    judged = judge(statement_fit, reading, list(denied.values()), kb)
    left, right = judged.judgements
    assert left.slots[0].evidence == pytest.approx(-2.0)
    assert right.slots[0].evidence == pytest.approx(2.0)
    assert [one.verdict for one in judged.judgements] == ["contradicted", "supported"]
    assert [one.probability for one in judged.judgements] == [None, None]
    scaled = statement_fit.model_copy(update={"side": 0.25})
    (open_,) = judge(scaled, reading, [denied["left"]], kb).judgements
    assert (open_.slots[0].evidence, open_.verdict) == (pytest.approx(-0.5), "undecided")


def test_a_denial_of_one_side_leaves_the_other_to_be_told_of(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say
):
    reading = read(6.0, 0.0, left=3.0, right=0.0)
    told = {
        side: judge(statement_fit, reading, [say(EFFUSION, presence="absent", side=side)], kb)
        for side in ("right", "bilateral")
    }
    (omission,) = told["right"].omissions
    assert (omission.category, omission.side) == (EFFUSION, "left")
    assert told["bilateral"].omissions == ()


def test_a_denial_of_one_side_stays_open_where_sides_cannot_be_told(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say
):
    denied = say(HEART, presence="absent", side="left")
    (one,) = judge(statement_fit, read(0.0, 8.0), [denied], kb).judgements
    assert (one.slots[0].evidence, one.verdict) == (None, "undecided")


def test_sides_of_two_statements_are_judged_each_by_its_half(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say
):
    both = [say(EFFUSION, side="left"), say(EFFUSION, side="right")]
    left, right = judge(statement_fit, read(6.0, 0.0, left=3.0, right=2.0), both, kb).judgements
    assert slots_of(left)["side"] == ("left", "left", "supported")
    assert slots_of(right)["side"] == ("right", "right", "supported")
    left, right = judge(statement_fit, read(6.0, 0.0, left=3.0, right=0.0), both, kb).judgements
    assert slots_of(left)["side"] == ("left", "left", "supported")
    assert slots_of(right)["side"] == ("right", "left", "contradicted")
