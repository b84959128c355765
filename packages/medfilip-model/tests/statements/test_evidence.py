from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_model.statements.evidence import Reading, StatementModel, half_design, whole_design
from medfilip_model.statements.facts import Fact
from medfilip_model.statements.gaussian import LinearGaussian
from medfilip_model.statements.packed import Packed
from pydantic import ValidationError

Read = Callable[..., Reading]
EFFUSION, HEART = "pleural_effusion", "cardiomegaly"
BOTH = frozenset({"left", "right"})
THERE = Fact(None, None)
NUMBERS = st.floats(-5, 5, width=16)


def test_presence_by_hand(statement_model: StatementModel, read: Read):
    reading = read(1.5, 1.0)
    found = statement_model.presence(reading, {}, (EFFUSION, HEART))
    # 2 x - 2, and x + 8 y - 17 / 2
    assert found == pytest.approx({EFFUSION: 1.0, HEART: 1.0})


def test_what_is_known_explains_readings_away(statement_model: StatementModel, read: Read):
    reading = read(1.5, 1.0)
    (heart,) = statement_model.presence(reading, {EFFUSION: THERE}, [HEART]).values()
    assert heart == pytest.approx(1.0 - 2.0)
    # The effusion is large, one rank above the mean, and explains one more.
    (heart,) = statement_model.presence(reading, {EFFUSION: Fact(4, None)}, [HEART]).values()
    assert heart == pytest.approx(1.0 - 3.0)
    (effusion,) = statement_model.presence(reading, {HEART: THERE}, [EFFUSION]).values()
    assert effusion == pytest.approx(1.0 - 2.0)


def test_presence_does_not_depend_on_what_is_said_of_it(
    statement_model: StatementModel, read: Read
):
    reading = read(0.3, -0.2)
    answers = [
        statement_model.presence(reading, known, [EFFUSION])
        for known in ({}, {EFFUSION: THERE}, {EFFUSION: Fact(4, BOTH)})
    ]
    assert answers[0] == answers[1] == answers[2]


@settings(max_examples=50)
@given(st.lists(NUMBERS, min_size=6, max_size=6), st.permutations(range(3)), st.booleans())
def test_the_order_of_categories_does_not_matter(
    numbers: list[float], order: list[int], known: bool
):
    names = ("mass", "nodule", "hernia")
    rows = np.array([[2.0, 0.5], [1.0, -1.0], [0.0, 3.0], numbers[:2]])

    def model(order: list[int]) -> StatementModel:
        return StatementModel(
            categories=tuple(names[n] for n in order),
            graded={},
            sided=(),
            whole=LinearGaussian(
                coefficients=Packed.of(rows[[*order, 3]]),
                precision=Packed.of(np.array([[2.0, 1.0], [1.0, 2.0]])),
            ),
            half=None,
        )

    reading = Reading(np.array(numbers[2:4]), {})
    facts = {"mass": THERE} if known else {}
    first = model([0, 1, 2]).presence(reading, facts, names)
    assert model(order).presence(reading, facts, names) == pytest.approx(first, abs=1e-9)


def test_sides_by_hand(statement_model: StatementModel, read: Read):
    found = statement_model.sides(read(0, 0, left=2.0, right=0.0), {}, EFFUSION)
    # The left half reads 1 without and 3 with it, the right half 0 and 2: a ratio of 0 and of -2.
    ratios = statement_model.halves(read(0, 0, left=2.0, right=0.0), {}, EFFUSION)
    assert ratios == pytest.approx({"left": 0.0, "right": -2.0})
    assert found == pytest.approx({"left": 0.0, "right": -2.0, "bilateral": -2.0})
    found = statement_model.sides(read(0, 0, left=1.0, right=2.0), {}, EFFUSION)
    assert found == pytest.approx({"left": -2.0, "right": 2.0, "bilateral": 0.0})
    assert max(found, key=lambda side: found[side]) == "right"


def test_sides_that_it_cannot_tell(statement_model: StatementModel, read: Read):
    assert statement_model.sides(read(0, 0), {}, HEART) == {}
    assert statement_model.sides(read(0, 0), {}, "mass") == {}
    without = statement_model.model_copy(update={"half": None})
    assert without.sides(read(0, 0), {}, EFFUSION) == {}


def test_severities_by_hand(statement_model: StatementModel, read: Read):
    found = statement_model.severities(read(3.0, 0.0), {}, EFFUSION, (2, 3, 4))
    # An effusion of rank 3 reads 2, each rank one more.
    assert found == pytest.approx({2: -2, 3: -0.5, 4: 0})
    beside = statement_model.severities(read(3.0, 2.0), {HEART: THERE}, EFFUSION, (2, 3, 4))
    assert beside == pytest.approx({2: -0.5, 3: 0, 4: -0.5})
    assert statement_model.severities(read(3.0, 0.0), {}, HEART, (2, 3)) == {}


def test_severities_do_not_depend_on_the_stated_one(statement_model: StatementModel, read: Read):
    stated = {EFFUSION: Fact(1, BOTH)}
    assert statement_model.severities(
        read(1.0, 1.0), stated, EFFUSION, (2, 4)
    ) == statement_model.severities(read(1.0, 1.0), {}, EFFUSION, (2, 4))


def test_the_design_of_a_whole_image():
    known = {EFFUSION: Fact(4, None), HEART: Fact(2, None), "mass": Fact(4, None)}
    found = whole_design(known, (EFFUSION, HEART, "nodule"), {"nodule": 2.5, EFFUSION: 3.25})
    assert found.tolist() == [1, 1, 0, 0, 0.75, 1]
    unsaid = whole_design({EFFUSION: THERE}, (EFFUSION,), {EFFUSION: 3.25})
    assert unsaid.tolist() == [1, 0, 1]


@pytest.mark.parametrize(("half", "rest"), [("left", [1, 0]), ("right", [0, 1])])
def test_the_design_of_a_half(half: str, rest: list[int]):
    known = {
        EFFUSION: Fact(None, frozenset({"left"})),
        "nodule": THERE,
        "mass": Fact(None, BOTH),
        # Nobody knows its sides, whatever is said here.
        HEART: Fact(None, frozenset({"left"})),
    }
    names = (EFFUSION, "nodule", "mass", HEART, "hernia")
    found = half_design(known, half, names, sided=(EFFUSION, "nodule", "mass", "hernia"))
    assert found.tolist() == [float(half == "left"), 0.5, 1, 1, 0, *rest]


@pytest.mark.parametrize("changes", [{"categories": (EFFUSION,)}, {"graded": {}}])
def test_what_does_not_fit_together_is_refused(
    statement_model: StatementModel, changes: dict[str, object]
):
    fields = statement_model.model_dump()
    assert StatementModel.model_validate(fields) == statement_model
    with pytest.raises(ValidationError, match="do not go with"):
        StatementModel.model_validate(fields | changes)
    for part in ("whole", "half"):
        other = {"coefficients": fields[part]["coefficients"], "precision": Packed.of(np.eye(3))}
        with pytest.raises(ValidationError, match="do not go with"):
            StatementModel.model_validate(fields | {part: other})
