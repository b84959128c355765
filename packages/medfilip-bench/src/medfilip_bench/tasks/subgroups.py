"""The zero-shot figures by sex, age band and view, where the data set knows them."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelledSet, Subject
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.metrics.classification import auc, one_sided, unusable
from medfilip_bench.metrics.measure import Measure, macro
from medfilip_bench.protocols import Scored
from medfilip_bench.results import Estimate, Row
from medfilip_bench.stats import Weights, interval, macro_replicates, replicate, weighted_auc_ap
from medfilip_bench.tasks.judged import describe, judged, scored
from medfilip_bench.tasks.prompting import class_texts
from medfilip_bench.tasks.task import Bench, Outcome, Task
from medfilip_bench.tasks.zero_shot import notes

# Ages at which a new band begins, in years.
_BANDS = (0, 18, 40, 60, 80)
# A group of fewer images tells nothing.
_SMALLEST = 20


def groups_of(subjects: Sequence[Subject]) -> dict[str, dict[str, Bool[np.ndarray, " N"]]]:
    """Return who belongs to which group: attribute -> group -> images.

    Args:
        subjects: N subjects; what is not known of one puts it into no group.
    """
    values: Mapping[str, list[str | None]] = {
        "sex": [s.sex for s in subjects],
        "age": [None if s.age is None else age_band(s.age) for s in subjects],
        "view": [s.view for s in subjects],
    }
    return {
        attribute: {
            name: np.array([value == name for value in column])
            for name in sorted({v for v in column if v is not None}, key=_order)
        }
        for attribute, column in values.items()
    }


def age_band(age: float) -> str:
    """Return the band of an age in years: ``40-59``, ``80+``."""
    start = max(band for band in _BANDS if band <= max(age, 0))
    later = [band for band in _BANDS if band > start]
    return f"{start}-{later[0] - 1}" if later else f"{start}+"


def _order(name: str) -> tuple[int, str]:
    first = name.rstrip("+").partition("-")[0]
    return (int(first) if first.isdigit() else 0, name)


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Take the macro AUC of each group, and its distance from everybody else's."""
    parts = judged(data)
    rows = data.rows(parts.test)
    if not data.subjects:
        raise NotApplicableError(f"{data.card.id} says neither sex nor age nor view of its images")
    texts = class_texts(bench.encoder.loaded, bench.kb, data.classes, kinds=data.phantom)
    test = scored(bench.encoder, data, parts.test, data.classes, texts)
    table = groups_of([data.subjects[row] for row in rows])
    kept = {
        (attribute, name): members
        for attribute, own in table.items()
        for name, members in own.items()
        if len(own) > 1 and members.sum() >= _SMALLEST
    }
    if not kept:
        raise NotApplicableError(
            f"{data.card.id}: no two groups of {_SMALLEST} images by sex, age or view among the "
            f"{len(rows)} judged images"
        )
    masks = [m for members in kept.values() for m in (members, ~members)]
    drawn = replicate(
        lambda weights: {"auc": _replicates(test, masks, weights)},
        test.groups,
        n_replicates=bench.resampling.replicates,
        seed=bench.resampling.seed,
    )["auc"]
    points = [_macro_auc(test, mask) for mask in masks]
    lines = tuple(
        _line(name, members, test, points[2 * k : 2 * k + 2], drawn[:, 2 * k : 2 * k + 2])
        for k, (name, members) in enumerate(kept.items())
    )
    small = [
        f"{attribute} {name}"
        for attribute, own in table.items()
        for name, members in own.items()
        if members.sum() < _SMALLEST
    ]
    return Outcome(
        data=describe(data, parts),
        metrics={"auc": Estimate.of(_macro_auc(test, np.ones(len(rows), dtype=bool)))},
        rows=lines,
        notes=(
            *notes(bench, data),
            "AUC is the macro over the classes that are defined within the group; “against the "
            "rest” is its distance from the AUC of all other images, with an interval over "
            "patients. Groups differ in their classes and their machines too: a distance is no "
            "proof of its cause.",
            *(
                (f"Left out, for fewer than {_SMALLEST} images: {', '.join(small)}.",)
                if small
                else ()
            ),
        ),
    )


def _line(
    name: tuple[str, str],
    members: Bool[np.ndarray, " N"],
    test: Scored,
    points: Sequence[Measure],
    drawn: Float[np.ndarray, "R 2"],
) -> Row:
    own, rest = points
    if own.value is None or rest.value is None:
        apart = Measure.undefined(own.reason or rest.reason or "undefined")
    else:
        apart = Measure(own.value - rest.value)
    return Row(
        id=":".join(name),
        name=name[1],
        kind="subgroup",
        positives=int(test.truth[members].any(axis=1).sum()),
        n=int(members.sum()),
        metrics={
            "auc": Estimate.of(own, interval(drawn[:, 0])),
            "auc_against_rest": Estimate.of(apart, interval(drawn[:, 0] - drawn[:, 1])),
        },
        of=name[0],
    )


def _macro_auc(test: Scored, mask: Bool[np.ndarray, " N"]) -> Measure:
    """Return the macro AUC of some images."""
    measures: list[Measure] = []
    for c in range(test.labels.shape[1]):
        known = test.known[:, c] & mask
        measures.append(auc(test.truth[known, c], test.scores[known, c]))
    return macro(measures)


def _replicates(
    test: Scored, masks: Sequence[Bool[np.ndarray, " N"]], weights: Weights
) -> Float[np.ndarray, "R G"]:
    """Return the macro AUC of each mask's images on every replicate."""
    columns: list[np.ndarray] = []
    for mask in masks:
        areas = np.full((len(weights), test.labels.shape[1]), np.nan)
        for c in range(areas.shape[1]):
            known = test.known[:, c] & mask
            labels, scores = test.truth[known, c], test.scores[known, c]
            if one_sided(labels) is None and unusable(scores) is None:
                areas[:, c] = weighted_auc_ap(labels, scores, weights[:, known])[0]
        columns.append(macro_replicates(areas))
    return np.stack(columns, axis=1)


def task(card: Card) -> Task:
    """Make the task of one data set that knows its subjects."""
    return Task(
        family="subgroups",
        dataset=card.id,
        title=f"Subgroups, {card.name}",
        about="Are the zero-shot figures the same for women and men, for all ages, for all views?",
        needs="texts",
        run=run,
        splits=("test",),
        version=1,
    )
