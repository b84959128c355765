"""A small model of readings with round numbers, so that every likelihood can be had by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_model.statements.evidence import Reading, StatementModel
from medfilip_model.statements.fit import StatementFit
from medfilip_model.statements.gaussian import LinearGaussian
from medfilip_model.statements.packed import Packed

# One reading for each category beside a second that both raise; the constant is nothing.
EFFUSION, HEART = "pleural_effusion", "cardiomegaly"
# Rows: effusion, heart, severity of the effusion above a rank of 3, constant.
WHOLE = np.array([[2.0, 0.0], [1.0, 2.0], [1.0, 0.0], [0.0, 0.0]])
# Rows: effusion and heart on the half, constants of the left and the right half.
HALF = np.array([[2.0], [0.0], [1.0], [0.0]])


def linear(coefficients: np.ndarray, precision: np.ndarray) -> LinearGaussian:
    return LinearGaussian(coefficients=Packed.of(coefficients), precision=Packed.of(precision))


@pytest.fixture(scope="session")
def statement_model() -> StatementModel:
    """Effusions are graded and sided, the heart is neither; the second reading is less noisy."""
    return StatementModel(
        categories=(EFFUSION, HEART),
        graded={EFFUSION: 3.0},
        sided=(EFFUSION,),
        whole=linear(WHOLE, np.diag([1.0, 4.0])),
        half=linear(HALF, np.eye(1)),
    )


@pytest.fixture(scope="session")
def statement_fit(statement_model: StatementModel) -> StatementFit:
    return StatementFit(
        model=statement_model,
        template="paper",
        normal="no finding",
        images=98,
        # Even odds, and one to nine, once an image is added to each side.
        positives={EFFUSION: 49, HEART: 9},
    )


@pytest.fixture(scope="session")
def plain_fit() -> Callable[..., StatementFit]:
    """Each category has a reading of its own: 4 where it is there, 0 where not, with unit noise."""

    def make(*categories: str) -> StatementFit:
        count = len(categories)
        model = StatementModel(
            categories=categories,
            graded={},
            sided=(),
            whole=linear(np.vstack([4 * np.eye(count), np.zeros((1, count))]), np.eye(count)),
            half=None,
        )
        return StatementFit(
            model=model,
            template="paper",
            normal="no finding",
            images=98,
            positives=dict.fromkeys(categories, 49),
        )

    return make


@pytest.fixture
def read() -> Callable[..., Reading]:
    """An image's readings: of the whole, of the left and of the right half."""

    def make(*whole: float, left: float = 1.0, right: float = 0.0) -> Reading:
        halves = {"left": np.array([left]), "right": np.array([right])}
        return Reading(np.array(whole, dtype=np.float64), halves)

    return make


@pytest.fixture
def say() -> Callable[..., Finding]:
    """A finding by its category."""
    return lambda category, **fields: Finding(category=category, **fields)


@pytest.fixture
def raised() -> Callable[..., float]:
    """How much doubts raise the odds of any mistake, from the odds of each before."""

    def odds(each: list[float]) -> float:
        none = math.prod(1 / (1 + one) for one in each)
        return (1 - none) / none

    def pooled(*points: tuple[float, float]) -> float:
        after = [math.exp(doubt) * before for doubt, before in points]
        return math.log(odds(after) / odds([before for _, before in points]))

    return pooled
