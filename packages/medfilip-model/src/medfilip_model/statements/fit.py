"""Fit how findings show in a model's readings, on images whose findings are known; pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from zlib import crc32

import numpy as np
from iki_knowledge import KnowledgeBase, Template
from jaxtyping import Float
from pydantic import model_validator
from scipy.optimize import minimize_scalar
from scipy.special import log_expit

from medfilip_model.config.base import Frozen
from medfilip_model.data.samples import Sample
from medfilip_model.statements.evidence import (
    HALVES,
    Half,
    Reading,
    StatementModel,
    half_design,
    whole_design,
)
from medfilip_model.statements.facts import SIDES, Facts, facts, words_of
from medfilip_model.statements.gaussian import fit_gaussian
from medfilip_model.statements.questions import Questions

# Images that a category, and a side of it, must be seen in.
FEWEST = 10
FEWEST_OF_A_SIDE = 5
# Fewer images teach nothing of how readings vary together.
_FEWEST_IMAGES = 50


class StatementFit(Frozen):
    """What judges statements about images of one checkpoint.

    Attributes:
        model: How findings show in readings.
        template: Template of the categories' texts.
        normal: Text of an image without findings.
        images: Images that it was fitted to.
        positives: How many of them show each category.
        presence: What the log-likelihood ratios of presence are multiplied by, so that they hold
            on images that they were not fitted to.
        side: The same for sides.
        severity: The same for severities.
    """

    model: StatementModel
    template: Template
    normal: str
    images: int
    positives: Mapping[str, int]
    presence: float = 1.0
    side: float = 1.0
    severity: float = 1.0

    @model_validator(mode="after")
    def _counted(self) -> "StatementFit":
        if set(self.positives) != set(self.model.categories):
            raise ValueError("positives must be counted of the model's categories, and no others")
        return self

    def base(self, category: str) -> float:
        """Log-odds that an image like those of the fit shows a category."""
        there = self.positives[category]
        return float(np.log((there + 1) / (self.images - there + 1)))


@dataclass(frozen=True)
class Scores:
    """Similarities of N images to the questions.

    Attributes:
        whole: Of the images to all prompts [N, K].
        halves: Of each half, doubled, to the first prompts (`Questions.plain`) [N, H].
    """

    whole: Float[np.ndarray, "N K"]
    halves: Mapping[Half, Float[np.ndarray, "N H"]]

    def readings(self, asked: Questions) -> list[Reading]:
        """What is read in each image."""
        whole = asked.whole(self.whole)
        return [
            Reading(row, {half: self.halves[half][n] for half in HALVES})
            for n, row in enumerate(whole)
        ]


def taught(samples: Sequence[Sample]) -> tuple[str, ...]:
    """The categories that enough images are known to show.

    Args:
        samples: Images with known findings; doubtful ones do not count, as the fit leaves them out.
    """
    seen = Counter(name for s in samples if _certain(s) for name in {f.category for f in s.present})
    return tuple(sorted(name for name, count in seen.items() if count >= FEWEST))


def fit_statements(
    samples: Sequence[Sample],
    scores: Scores,
    asked: Questions,
    kb: KnowledgeBase,
    *,
    template: Template,
    normal: str,
) -> StatementFit | None:
    """Fit to images whose findings are known.

    An image of which nothing is known, or only doubtfully, is left out; one whose sides are not all
    known is left out of the halves.

    Args:
        samples: N images.
        scores: Of the same images.
        asked: The questions of the scores; their categories from `taught`.
        kb: Dictionary.
        template: Template of the questions.
        normal: Text of an image without findings.

    Returns:
        The fit; None where the images are too few.
    """
    rows = [n for n, sample in enumerate(samples) if _certain(sample)]
    if len(rows) < _FEWEST_IMAGES or not asked.categories:
        return None
    known = [facts(samples[n].present, kb) for n in rows]
    every = scores.readings(asked)
    readings = [every[n] for n in rows]
    half = np.array([crc32(samples[n].patient_id.encode()) & 1 for n in rows], dtype=bool)
    crossed: list[tuple[StatementModel, list[Reading], list[Facts]]] = []
    for judged in (half, ~half):
        others, own = np.flatnonzero(~judged).tolist(), np.flatnonzero(judged).tolist()
        if not others or not own:
            return None
        fitted = _fit([readings[n] for n in others], [known[n] for n in others], asked.categories)
        crossed.append((fitted, [readings[n] for n in own], [known[n] for n in own]))
    counts = {name: sum(name in one for one in known) for name in asked.categories}
    fit = StatementFit(
        model=_fit(readings, known, asked.categories),
        template=template,
        normal=normal,
        images=len(rows),
        positives=counts,
    )
    return fit.model_copy(
        update={
            "presence": _presence_scale(fit, crossed),
            "side": _choice_scale(_side_choices, crossed),
            "severity": _choice_scale(partial(_severity_choices, kb), crossed),
        }
    )


def _certain(sample: Sample) -> bool:
    return sample.findings is not None and all(f.presence != "uncertain" for f in sample.findings)


def _fit(
    readings: Sequence[Reading], known: Sequence[Facts], categories: Sequence[str]
) -> StatementModel:
    graded, sided = _graded(known, categories), _sided(known, categories)
    whole = fit_gaussian(
        np.stack([whole_design(one, categories, graded) for one in known]),
        np.stack([reading.whole for reading in readings]),
    )
    placed = [
        n
        for n, one in enumerate(known)
        if all(one[name].halves is not None for name in sided if name in one)
    ]
    half = None
    if sided and placed:
        half = fit_gaussian(
            np.stack([half_design(known[n], h, categories, sided) for h in HALVES for n in placed]),
            np.stack([readings[n].halves[h] for h in HALVES for n in placed]),
            constants=len(HALVES),
        )
    return StatementModel(
        categories=tuple(categories), graded=graded, sided=sided, whole=whole, half=half
    )


def _graded(known: Sequence[Facts], categories: Sequence[str]) -> dict[str, float]:
    """Mean rank of the categories that enough images show in two severities or more."""
    found: dict[str, float] = {}
    for name in categories:
        ranks = [one[name].rank for one in known if name in one]
        stated = [rank for rank in ranks if rank is not None]
        if len(stated) >= FEWEST and len(set(stated)) > 1:
            found[name] = round(sum(stated) / len(stated), 6)
    return found


def _sided(known: Sequence[Facts], categories: Sequence[str]) -> tuple[str, ...]:
    """The categories that enough images show on the left alone, and on the right alone."""
    sides = {name: Counter(one[name].halves for one in known if name in one) for name in categories}
    return tuple(
        name
        for name, count in sides.items()
        if min(count[SIDES["left"]], count[SIDES["right"]]) >= FEWEST_OF_A_SIDE
    )


_Crossed = Sequence[tuple[StatementModel, Sequence[Reading], Sequence[Facts]]]
# Log-likelihoods of all choices, and which of them is true.
_Choice = tuple[list[float], int]


def _presence_scale(fit: StatementFit, crossed: _Crossed) -> float:
    evidence, base, truth = [np.zeros(0)], [np.zeros(0)], [np.zeros(0)]
    odds = np.array([fit.base(name) for name in fit.model.categories])
    for model, readings, known in crossed:
        for reading, one in zip(readings, known, strict=True):
            found = model.presence(reading, one, model.categories)
            evidence.append(np.array(list(found.values())))
            base.append(odds)
            truth.append(np.array([1.0 if name in one else -1.0 for name in model.categories]))
    x, b, t = (np.concatenate(parts) for parts in (evidence, base, truth))
    return _least(lambda scale: -float(log_expit(t * (scale * x + b)).sum()))


def _choice_scale(
    choices: Callable[[StatementModel, Reading, Facts], Sequence[_Choice]], crossed: _Crossed
) -> float:
    found = [
        choice
        for model, readings, known in crossed
        for reading, one in zip(readings, known, strict=True)
        for choice in choices(model, reading, one)
    ]
    if not found:
        return 1.0
    table = np.full((len(found), max(len(values) for values, _ in found)), -np.inf)
    for row, (values, _) in enumerate(found):
        table[row, : len(values)] = values
    own = table[np.arange(len(found)), [true for _, true in found]]
    return _least(
        lambda scale: float((np.logaddexp.reduce(scale * table, axis=1) - scale * own).sum())
    )


def _side_choices(model: StatementModel, reading: Reading, known: Facts) -> list[_Choice]:
    return [
        (list(found.values()), [SIDES[side] for side in found].index(halves))
        for name, fact in known.items()
        if (halves := fact.halves) and (found := model.sides(reading, known, name))
    ]


def _severity_choices(
    kb: KnowledgeBase, model: StatementModel, reading: Reading, known: Facts
) -> list[_Choice]:
    made: list[_Choice] = []
    for name, fact in known.items():
        ranks = list(words_of(name, kb))
        if fact.rank in ranks and (found := model.severities(reading, known, name, ranks)):
            made.append((list(found.values()), ranks.index(fact.rank)))
    return made


def _least(loss: Callable[[float], float]) -> float:
    found = minimize_scalar(loss, bounds=(0.02, 2.0), method="bounded")
    return round(float(found.x), 4)
