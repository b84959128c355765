from collections.abc import Callable, Sequence

import numpy as np
import pytest
from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.data.samples import Sample
from medfilip_model.statements import fit as fitting
from medfilip_model.statements.evidence import whole_design
from medfilip_model.statements.facts import facts, words_of
from medfilip_model.statements.fit import Scores, StatementFit, fit_statements, taught
from medfilip_model.statements.questions import Questions, questions

Say = Callable[..., Finding]
NAMES = ("cardiomegaly", "nodule", "pleural_effusion")
# The sides of a nodule and an effusion are told, a heart has none; the heart's severity never is.
SIDES = ("left", "right", "bilateral")
# Rows: the three, the severities of nodule and effusion, a constant.
WHOLE = np.array(
    [
        [1.0, 0.3, 0.0, -0.5, 0.0, 0.0],
        [0.0, 0.8, 0.2, -0.5, 0.0, 0.0],
        [0.4, 0.0, 1.2, -0.5, 0.0, 0.0],
        [0.0, 0.2, 0.0, 0.0, 0.6, 0.0],
        [0.1, 0.0, 0.3, 0.0, 0.0, 0.7],
        [0.2, 0.1, -0.3, 0.4, 0.0, 0.1],
    ]
)
NOISE = 0.4


def sample(number: int, *findings: Finding, known: bool = True) -> Sample:
    return Sample(f"i{number}", f"p{number}", "valid", findings if known else None)


def drawn(count: int, kb: KnowledgeBase, seed: int = 0) -> list[Sample]:
    rng = np.random.default_rng(seed)
    found: list[Sample] = []
    for number in range(count):
        shown: list[Finding] = []
        for name in NAMES:
            if rng.random() < 0.35:
                words = list(words_of(name, kb).values())
                told = {"side": str(rng.choice(SIDES)), "severity": str(rng.choice(words))}
                shown.append(Finding(category=name, **({} if name == "cardiomegaly" else told)))
        found.append(sample(number, *shown))
    return found


def scores_of(
    samples: Sequence[Sample], asked: Questions, kb: KnowledgeBase, *, spread: float = 1.0
) -> Scores:
    """Scores whose readings are as `WHOLE` says, and on the halves as its first rows say.

    Args:
        samples: What the images show.
        asked: The questions.
        kb: Dictionary.
        spread: What the noise of every reading is multiplied by.
    """
    rng = np.random.default_rng(1)
    known = [facts(one.present, kb) for one in samples]
    designs = np.stack([whole_design(one, NAMES, GRADED) for one in known])
    noise = spread * NOISE * rng.normal(size=(len(samples), WHOLE.shape[1]))
    readings = designs @ WHOLE + noise
    # The heart's own grades say nothing.
    contrasts = np.column_stack([rng.normal(size=len(samples)), readings[:, 4:]])
    graded = contrasts @ np.linalg.pinv(asked.weights[:, asked.plain :]).T
    halves = {}
    for half in ("left", "right"):
        on = np.array(
            [
                [name in one and half in (one[name].halves or SIDES) for name in NAMES]
                for one in known
            ]
        )
        noise = spread * NOISE * rng.normal(size=(len(samples), 4))
        halves[half] = on @ WHOLE[:3, :4] + (0.5 if half == "left" else 0.0) + noise
    return Scores(np.concatenate([readings[:, :4], graded], axis=1), halves)


GRADED = {"nodule": 2.5, "pleural_effusion": 2.5}


@pytest.fixture(scope="session")
def asked(kb: KnowledgeBase) -> Questions:
    return questions(kb, NAMES, template="paper", normal="clear")


def fitted(
    samples: Sequence[Sample], asked: Questions, kb: KnowledgeBase, **changes: float
) -> StatementFit | None:
    scores = scores_of(samples, asked, kb, **changes)
    return fit_statements(samples, scores, asked, kb, template="paper", normal="clear")


@pytest.fixture(scope="session")
def recovered(kb: KnowledgeBase, asked: Questions) -> StatementFit:
    found = fitted(drawn(600, kb), asked, kb)
    assert found is not None
    return found


def test_it_recovers_what_the_readings_were_made_of(recovered: StatementFit):
    model = recovered.model
    assert model.categories == NAMES
    assert model.sided == ("nodule", "pleural_effusion")
    assert list(model.graded) == ["nodule", "pleural_effusion"]
    assert list(model.graded.values()) == pytest.approx([2.5, 2.5], abs=0.2)
    # The heart's contrast, the fifth reading, is noise; the others follow it.
    found = np.delete(model.whole.coefficients.values, 4, axis=1)
    np.testing.assert_allclose(found[:5], WHOLE[:5], atol=0.15)
    spread = np.sqrt(np.diag(np.linalg.inv(model.whole.precision.values)))
    np.testing.assert_allclose(np.delete(spread, 4), NOISE, rtol=0.1)
    assert model.half is not None
    half = model.half.coefficients.values
    np.testing.assert_allclose(half[:3], WHOLE[:3, :4], atol=0.12)
    np.testing.assert_allclose(half[3:], [[0.5] * 4, [0.0] * 4], atol=0.1)


def test_evidence_holds_on_other_images_where_the_noise_is_as_it_is_taken_to_be(
    recovered: StatementFit,
):
    assert (recovered.template, recovered.normal, recovered.images) == ("paper", "clear", 600)
    for scale in (recovered.presence, recovered.side, recovered.severity):
        assert 0.7 < scale < 1.3


def test_odds_are_those_of_the_images(recovered: StatementFit, kb: KnowledgeBase):
    shown = [{f.category for f in one.present} for one in drawn(600, kb)]
    for name in NAMES:
        count = sum(name in one for one in shown)
        assert recovered.positives[name] == count
        assert recovered.base(name) == pytest.approx(np.log((count + 1) / (601 - count)))


def test_evidence_that_promises_too_much_is_taken_down(kb: KnowledgeBase, asked: Questions):
    # Half of the readings of the others' images tell nothing of one's own: noise of few images.
    few = fitted(drawn(60, kb), asked, kb, spread=3.0)
    assert few is not None
    assert few.presence < 0.6
    assert min(few.side, few.severity) >= 0.02


def test_the_fit_is_the_same_every_time_and_comes_back_from_json(
    kb: KnowledgeBase, asked: Questions
):
    first, second = (fitted(drawn(80, kb), asked, kb) for _ in range(2))
    assert first is not None
    assert first == second
    assert StatementFit.model_validate_json(first.model_dump_json()) == first


def test_few_images_teach_nothing(kb: KnowledgeBase, asked: Questions):
    assert fitted(drawn(49, kb), asked, kb) is None
    assert fitted(drawn(50, kb), asked, kb) is not None
    nothing = questions(kb, [], template="paper", normal="clear")
    samples, empty = drawn(60, kb), np.zeros((60, 1))
    halves = {"left": empty, "right": empty}
    scores = Scores(empty, halves)
    assert fit_statements(samples, scores, nothing, kb, template="paper", normal="clear") is None


def test_images_of_one_patient_cannot_be_crossed(kb: KnowledgeBase, asked: Questions):
    own = [Sample(s.id, "the same", s.split, s.findings) for s in drawn(60, kb)]
    assert fitted(own, asked, kb) is None


def test_images_that_are_doubtful_or_unknown_are_left_out(
    kb: KnowledgeBase, asked: Questions, say: Say
):
    sure = drawn(60, kb)
    doubtful = say("nodule", presence="uncertain")
    more = [
        *(sample(100 + n, doubtful, say("cardiomegaly")) for n in range(20)),
        *(sample(200 + n, known=False) for n in range(20)),
    ]
    whole = scores_of(sure, asked, kb)
    # Readings that would ruin the fit.
    wild = Scores(
        np.concatenate([whole.whole, np.full((40, whole.whole.shape[1]), 1e3)]),
        {half: np.concatenate([own, np.full((40, 4), 1e3)]) for half, own in whole.halves.items()},
    )
    found = fit_statements([*sure, *more], wild, asked, kb, template="paper", normal="clear")
    assert found == fitted(sure, asked, kb)


def test_images_whose_sides_are_not_all_known_are_left_out_of_the_halves(
    kb: KnowledgeBase, asked: Questions, say: Say
):
    sure = drawn(60, kb)
    more = [sample(100 + n, say("nodule")) for n in range(10)]
    whole = scores_of([*sure, *more], asked, kb)
    wild = Scores(whole.whole, {h: own.copy() for h, own in whole.halves.items()})
    for own in wild.halves.values():
        own[60:] = 1e3
    tame, other = (
        fit_statements([*sure, *more], scores, asked, kb, template="paper", normal="clear")
        for scores in (whole, wild)
    )
    assert tame is not None
    assert other is not None
    assert tame.images == 70
    assert tame.model == other.model


def test_what_all_left_halves_share_is_taken_as_it_is(kb: KnowledgeBase, asked: Questions):
    samples = drawn(60, kb)
    scores = scores_of(samples, asked, kb)
    shifted = Scores(scores.whole, {**scores.halves, "left": scores.halves["left"] + 50})
    first, second = (
        fit_statements(samples, own, asked, kb, template="paper", normal="clear")
        for own in (scores, shifted)
    )
    assert first is not None
    assert second is not None
    assert first.model.half is not None
    assert second.model.half is not None
    moved = second.model.half.coefficients.values - first.model.half.coefficients.values
    np.testing.assert_allclose(moved, np.outer([0, 0, 0, 1, 0], [50] * 4), atol=1e-3)


def test_without_an_image_whose_sides_are_all_known_no_half_is_fitted(
    kb: KnowledgeBase, asked: Questions, say: Say
):
    pairs = [("nodule", "pleural_effusion"), ("pleural_effusion", "nodule")]
    samples = [
        sample(n, say(pairs[n % 2][0], side=SIDES[n // 2 % 2]), say(pairs[n % 2][1]))
        for n in range(60)
    ]
    found = fitted(samples, asked, kb)
    assert found is not None
    assert (found.model.half, found.side) == (None, 1.0)


def test_without_sides_the_halves_are_not_fitted(kb: KnowledgeBase, asked: Questions):
    samples = [
        sample(n, *(Finding(category=f.category) for f in one.present))
        for n, one in enumerate(drawn(60, kb))
    ]
    found = fitted(samples, asked, kb)
    assert found is not None
    assert (found.model.half, found.model.sided, dict(found.model.graded)) == (None, (), {})
    assert (found.side, found.severity) == (1.0, 1.0)


def test_what_few_images_show_on_one_side_is_not_sided(kb: KnowledgeBase, say: Say):
    known = [facts([say("nodule", side="left"), say("mass", side="right")], kb)] * 9
    known += [facts([say("nodule", side="right"), say("mass", side="bilateral")], kb)] * 5
    assert fitting._sided(known, ("mass", "nodule")) == ("nodule",)
    assert fitting._sided(known[:-1], ("mass", "nodule")) == ()


def test_one_severity_alone_is_no_scale(kb: KnowledgeBase, say: Say):
    known = [facts([say("nodule", severity="small"), say("mass", severity="large")], kb)] * 9
    assert fitting._graded([*known, known[0]], ("mass", "nodule")) == {}
    other = facts([say("mass", severity="small")], kb)
    assert fitting._graded([*known, other], ("mass", "nodule")) == {"mass": 3.8}
    assert fitting._graded([*known[1:], other], ("mass", "nodule")) == {}


def test_categories_that_ten_images_show_are_taught(say: Say):
    samples = [sample(n, say("mass"), say("mass", side="left"), say("hernia")) for n in range(9)]
    samples += [sample(9, say("hernia")), sample(10, say("mass", presence="absent"))]
    assert taught(samples) == ("hernia",)
    assert taught([*samples, sample(11, say("mass"))]) == ("hernia", "mass")
    assert taught([]) == ()


def test_doubtful_images_teach_no_category(say: Say):
    doubt = say("nodule", presence="uncertain")
    assert taught([sample(n, say("mass"), doubt) for n in range(12)]) == ()


def test_readings_are_those_of_each_image(kb: KnowledgeBase, asked: Questions):
    scores = scores_of(drawn(3, kb), asked, kb)
    for n, reading in enumerate(scores.readings(asked)):
        np.testing.assert_allclose(reading.whole, asked.whole(scores.whole)[n])
        for half in ("left", "right"):
            np.testing.assert_array_equal(reading.halves[half], scores.halves[half][n])
