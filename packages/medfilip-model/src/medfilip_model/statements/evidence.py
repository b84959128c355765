"""What an image's readings say of one statement, the others being taken as they are; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from iki_knowledge.finding import Side
from jaxtyping import Float
from pydantic import model_validator

from medfilip_model.config.base import Frozen
from medfilip_model.statements.facts import SIDES, Fact, Facts
from medfilip_model.statements.gaussian import LinearGaussian

Half = Literal["left", "right"]
HALVES: tuple[Half, ...] = ("left", "right")


@dataclass(frozen=True)
class Reading:
    """What a model reads in one image.

    Attributes:
        whole: Of the image [F].
        halves: Of each half, doubled [H].
    """

    whole: Float[np.ndarray, " F"]
    halves: Mapping[Half, Float[np.ndarray, " H"]]


class StatementModel(Frozen):
    """How findings show in readings.

    Attributes:
        categories: C categories that it knows.
        graded: Mean rank of the severities of those that it can grade.
        sided: Those whose sides it can tell.
        whole: Of the presence of each category, the severity of the graded ones, and a constant.
        half: Of the presence on that half and a constant for each half; None where no category's
            sides are known.
    """

    categories: tuple[str, ...]
    graded: Mapping[str, float]
    sided: tuple[str, ...]
    whole: LinearGaussian
    half: LinearGaussian | None

    @model_validator(mode="after")
    def _fitting(self) -> "StatementModel":
        count = len(self.categories)
        _check(self.whole, count + len(self.graded) + 1)
        if self.half is not None:
            _check(self.half, count + len(HALVES))
        return self

    def presence(
        self, reading: Reading, known: Facts, categories: Sequence[str]
    ) -> dict[str, float]:
        """Log-likelihood ratio of each category's being there, the other facts being true.

        Args:
            reading: Of one image.
            known: What else it shows; what is said of the category itself does not matter, nor
                does its severity.
            categories: Among those that it knows.
        """
        base = whole_design(known, self.categories, self.graded)
        place = {name: column for column, name in enumerate(self.categories)}
        grade = {name: len(place) + row for row, name in enumerate(self.graded)}
        designs = np.repeat(base[None], 2 * len(categories), axis=0)
        for row, name in enumerate(categories):
            pair = designs[2 * row : 2 * row + 2]
            pair[:, place[name]] = 1.0, 0.0
            if name in grade:
                pair[:, grade[name]] = 0.0
        found = self.whole.log_likelihood(reading.whole, designs)
        return dict(zip(categories, (found[::2] - found[1::2]).tolist(), strict=True))

    def halves(self, reading: Reading, known: Facts, category: str) -> dict[Half, float]:
        """Log-likelihood ratio of a category's being on each half; empty where it cannot tell.

        Args:
            reading: Of one image.
            known: What else it shows; what is said of the category itself does not matter.
            category: Any.
        """
        if self.half is None or category not in self.sided:
            return {}
        found: dict[Half, float] = {}
        place = self.categories.index(category)
        for half in HALVES:
            designs = np.repeat(
                half_design(known, half, self.categories, self.sided)[None], 2, axis=0
            )
            designs[:, place] = 0.0, 1.0
            without, having = self.half.log_likelihood(reading.halves[half], designs).tolist()
            found[half] = having - without
        return found

    def sides(self, reading: Reading, known: Facts, category: str) -> dict[Side, float]:
        """Log-likelihood of each side of a category that is there; empty where it cannot tell.

        Args:
            reading: Of one image.
            known: What else it shows.
            category: Any.

        Returns:
            Natural logarithms, up to a constant that is the same for all of them.
        """
        found = self.halves(reading, known, category)
        if not found:
            return {}
        return {
            side: sum(found[half] for half in HALVES if half in halves)
            for side, halves in SIDES.items()
        }

    def severities(
        self, reading: Reading, known: Facts, category: str, ranks: Sequence[int]
    ) -> dict[int, float]:
        """Log-likelihood of each severity of a category that is there; empty where it cannot tell.

        Args:
            reading: Of one image.
            known: What else it shows.
            category: Any.
            ranks: Ranks of the severities to choose from.
        """
        if category not in self.graded:
            return {}
        fact = known.get(category, Fact(None, None))
        designs = [
            whole_design(
                {**known, category: replace(fact, rank=rank)}, self.categories, self.graded
            )
            for rank in ranks
        ]
        found = self.whole.log_likelihood(reading.whole, np.stack(designs))
        return dict(zip(ranks, found.tolist(), strict=True))


def _check(linear: LinearGaussian, rows: int) -> None:
    count, width = linear.coefficients.shape
    if (count, linear.precision.shape) != (rows, (width, width)):
        raise ValueError(
            f"coefficients of {count} x {width} and a precision of {linear.precision.shape} do not "
            f"go with {rows} parts of a design"
        )


def whole_design(
    known: Facts, categories: Sequence[str], graded: Mapping[str, float]
) -> Float[np.ndarray, " P"]:
    """Presence of each category, its severity against the mean, and the constant."""
    there = [float(name in known) for name in categories]
    grades = [_grade(known.get(name), middle) for name, middle in graded.items()]
    return np.array([*there, *grades, 1.0])


def _grade(fact: Fact | None, middle: float) -> float:
    return 0.0 if fact is None or fact.rank is None else fact.rank - middle


def half_design(
    known: Facts, half: Half, categories: Sequence[str], sided: Sequence[str]
) -> Float[np.ndarray, " Q"]:
    """Presence of each category on one half, and the constants of both."""
    there = [_on(known.get(name), half, sided=name in sided) for name in categories]
    return np.array([*there, *(float(half == one) for one in HALVES)])


def _on(fact: Fact | None, half: Half, *, sided: bool) -> float:
    if fact is None:
        return 0.0
    if not sided:
        return 1.0
    # Said without a side: on either half as likely as not.
    return 0.5 if fact.halves is None else float(half in fact.halves)
