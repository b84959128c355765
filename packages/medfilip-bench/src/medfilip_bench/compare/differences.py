"""Two models on the same images, metric by metric; pure.

Axes: N images, C classes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from medfilip_bench.compare.comparison import Test
from medfilip_bench.compare.pair import Pair, Side
from medfilip_bench.metrics.measure import Measure, macro
from medfilip_bench.protocols import PROTOCOLS, Protocol, Scored, apply
from medfilip_bench.results import Estimate
from medfilip_bench.scoring import (
    ClassName,
    ClassScores,
    Drawn,
    Resampling,
    score_classes,
    score_single,
)
from medfilip_bench.stats import (
    Difference,
    delong,
    mcnemar,
    paired,
    replicate,
    weighted_mean,
)

# The protocol whose thresholds the test labels did not choose.
FAIR: Protocol = "held-out"
ALL = "all"
BOOTSTRAP, DELONG, MCNEMAR = "paired bootstrap", "DeLong", "McNemar"


def tests(pair: Pair, resampling: Resampling) -> Iterator[Test]:
    """Compare two models on every metric that their scores give.

    Scores without any label are taken for a measurement of each image, such as a Dice: their means
    are compared.

    Args:
        pair: Two models on the same images.
        resampling: Bootstrap settings.
    """
    labels = pair.first.scores.labels
    if not labels.size or np.isnan(labels).all():
        yield from _means(pair, resampling)
    elif pair.first.scores.predicted is None:
        yield from _classes(pair, resampling, ("auc", f"f1@{FAIR}", f"acc@{FAIR}"))
    else:
        yield from _classes(pair, resampling, ("auc",))
        yield from _choices(pair, resampling)


def _classes(pair: Pair, resampling: Resampling, metrics: Sequence[str]) -> Iterator[Test]:
    """Compare binary classes, each for itself and their mean."""
    first, second = (_scored(pair, side, resampling) for side in (pair.first, pair.second))
    independent = np.unique(pair.groups).size == len(pair.groups)
    for metric in metrics:
        shared: list[int] = []
        for c, (one, other) in enumerate(zip(first.rows, second.rows, strict=True)):
            a, b = measure(one.metrics[metric]), measure(other.metrics[metric])
            if a.value is not None and b.value is not None:
                shared.append(c)
            drawn = first.drawn[metric].mean([c]), second.drawn[metric].mean([c])
            method, found = BOOTSTRAP, _paired(a, b, drawn)
            if metric == "auc" and independent and c in shared and (drawn[0].patients[0] or 0) > 1:
                method, found = DELONG, _delong(pair, c)
            yield _test(pair, (one.id, metric), (a, b), method, found)
        values = [
            macro([measure(run.rows[c].metrics[metric]) for c in shared]) for run in (first, second)
        ]
        means = first.drawn[metric].mean(shared), second.drawn[metric].mean(shared)
        both = values[0], values[1]
        yield _test(pair, (ALL, metric), both, BOOTSTRAP, _paired(*both, means))


def _scored(pair: Pair, side: Side, resampling: Resampling) -> ClassScores:
    """Score one model's binary classes by the thresholds of its record."""
    held = side.scores
    missing = Measure.undefined(f"the record has no {FAIR} threshold")
    cuts = [
        Measure(t) if (t := side.thresholds.get(c)) is not None else missing for c in held.classes
    ]
    decided = dict.fromkeys(PROTOCOLS, apply(cuts, held.scores))
    names = [ClassName(c, pair.names.get(c, c)) for c in held.classes]
    judged = Scored(held.labels, held.scores, pair.groups)
    return score_classes(names, judged, None, resampling, decided=decided)


def _choices(pair: Pair, resampling: Resampling) -> Iterator[Test]:
    """Compare the classes that two models chose: accuracy and macro F1."""
    classes = [ClassName(c, pair.names.get(c, c)) for c in pair.first.scores.classes]
    truth = pair.first.scores.labels.argmax(axis=1)
    patients = pair.groups.tolist()
    said = [_predicted(side) for side in (pair.first, pair.second)]
    first, second = (
        score_single(classes, truth, np.eye(len(classes))[chosen], patients, resampling)
        for chosen in said
    )
    for metric in ("acc", "macro_f1"):
        both = measure(first.overall[metric]), measure(second.overall[metric])
        found = _paired(*both, (first.drawn[metric], second.drawn[metric]))
        method = BOOTSTRAP
        if metric == "acc" and len(set(patients)) == len(patients) and found.p is not None:
            method = MCNEMAR
            found = replace(found, p=mcnemar(said[0] == truth, said[1] == truth))
        yield _test(pair, (ALL, metric), both, method, found)


def _means(pair: Pair, resampling: Resampling) -> Iterator[Test]:
    """Compare measurements of single images, such as a Dice, by their means."""
    groups = pair.groups
    one, other = pair.first.scores.scores, pair.second.scores.scores
    drawn = replicate(
        lambda weights: {"a": weighted_mean(one, weights), "b": weighted_mean(other, weights)},
        groups,
        n_replicates=resampling.replicates,
        seed=resampling.seed,
    )
    for c, name in enumerate(pair.first.scores.classes):
        both = _mean(one[:, c]), _mean(other[:, c])
        count = np.unique(groups[np.isfinite(one[:, c])]).size
        found = paired(*both, drawn["a"][:, c], drawn["b"][:, c], count)
        yield _test(pair, (ALL, name), both, BOOTSTRAP, found)


def _predicted(side: Side) -> Int[np.ndarray, " N"]:
    if side.scores.predicted is None:
        raise ValueError("no class was chosen")
    return side.scores.predicted


def _mean(values: Float[np.ndarray, " N"]) -> Measure:
    known = values[np.isfinite(values)]
    return Measure(float(known.mean())) if known.size else Measure.undefined("no images")


def measure(estimate: Estimate) -> Measure:
    """Return an estimate without its interval."""
    if estimate.value is None:
        return Measure.undefined(estimate.reason or "undefined")
    return Measure(estimate.value)


def _paired(first: Measure, second: Measure, drawn: tuple[Drawn, Drawn]) -> Difference:
    one, other = drawn
    # The fewer of both, so that neither model comes first.
    patients = min((d.patients[0] for d in drawn if d.patients[0] is not None), default=None)
    return paired(first, second, one.values[:, 0], other.values[:, 0], patients)


def _delong(pair: Pair, index: int) -> Difference:
    """Return the difference of one class's AUCs by DeLong's test."""
    known = ~np.isnan(pair.first.scores.labels[:, index])
    labels = pair.first.scores.labels[known, index] == 1
    scores = [side.scores.scores[known, index] for side in (pair.first, pair.second)]
    found = delong(labels, scores[0], scores[1])
    return Difference(found.difference, found.low, found.high, found.p)


def _test(
    pair: Pair,
    place: tuple[str, str],
    values: tuple[Measure, Measure],
    method: str,
    found: Difference,
) -> Test:
    row, metric = place
    return Test(
        task=pair.task,
        phantom=pair.phantom,
        row=row,
        name=pair.names.get(row, row),
        metric=metric,
        n=len(pair.groups),
        patients=np.unique(pair.groups).size,
        first=values[0].value,
        second=values[1].value,
        difference=found.value,
        low=found.low,
        high=found.high,
        p=found.p,
        method=method,
        reason=found.reason,
    )
