"""Exactly one class an image: the one with the highest score wins."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medfilip_bench.metrics.classification import (
    NO_CLASS,
    SingleLabel,
    auc,
    one_sided,
    single_label,
    unusable,
)
from medfilip_bench.metrics.measure import Measure, macro
from medfilip_bench.results import Estimate, Row, RowKind
from medfilip_bench.scoring.drawn import Drawn
from medfilip_bench.scoring.naming import ClassName, Resampling
from medfilip_bench.stats import (
    Weights,
    patient_groups,
    replicate,
    resting_on,
    weighted_auc_ap,
    weighted_single_label,
)

Classes = Int[np.ndarray, " N"]
CLASS_METRICS = ("f1", "recall", "precision", "auc")


@dataclass(frozen=True)
class SingleScores:
    """Everything measured on images of one class each.

    Attributes:
        overall: ``acc``, ``macro_f1`` and ``auc`` (mean over the classes against the rest).
        rows: One row a class: ``f1``, ``recall``, ``precision``, ``auc``.
        confusion: Images by true class (rows) and predicted class (columns).
        predicted: The class that was chosen, [N].
        drawn: Overall metric -> bootstrap replicates, [R, 1], for means over seeds.
    """

    overall: dict[str, Estimate]
    rows: tuple[Row, ...]
    confusion: tuple[tuple[int, ...], ...]
    predicted: Classes
    drawn: dict[str, Drawn]


def chosen(scores: Float[np.ndarray, "N C"]) -> Classes:
    """Return the class with the highest score; one that the model lacks (NaN) is never chosen.

    Args:
        scores: Higher means more likely, [N, C].
    """
    return np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1)


def score_single(
    classes: Sequence[ClassName],
    truth: Classes,
    scores: Float[np.ndarray, "N C"],
    patients: Sequence[Hashable],
    resampling: Resampling,
    *,
    kind: RowKind = "class",
) -> SingleScores:
    """Score the choice of one class an image, and each class's ranking against the rest.

    A class that the model lacks has no figures of its own and is left out of the macro F1; its
    images count as wrong in the accuracy.

    Args:
        classes: Names, one a column of the scores.
        truth: True class of each image, [N].
        scores: Higher means more likely, [N, C]; NaN throughout a class that the model lacks.
        patients: Whose each image is.
        resampling: Bootstrap settings.
        kind: What a row stands for.
    """
    known = [unusable(scores[:, c]) != NO_CLASS for c in range(len(classes))]
    said = chosen(scores)
    result = single_label(truth, said, len(classes))
    points = [_points(result, truth, scores, c, known[c]) for c in range(len(classes))]
    groups = patient_groups(patients)
    made = replicate(
        lambda weights: _replicates(truth, said, scores, weights),
        groups,
        n_replicates=resampling.replicates,
        seed=resampling.seed,
    )
    members = truth[:, None] == np.arange(len(classes))
    counts = resting_on(members, np.ones_like(members), groups)
    drawn = {metric: Drawn(made[metric], counts) for metric in CLASS_METRICS}
    rows = tuple(
        Row(
            id=name.id,
            name=name.name,
            kind=kind,
            positives=int((truth == c).sum()),
            n=truth.size,
            metrics={
                metric: Estimate.of(measure, drawn[metric].interval(c))
                for metric, measure in points[c].items()
            },
            text=name.text,
        )
        for c, name in enumerate(classes)
    )
    f1 = [c for c, p in enumerate(points) if p["f1"].value is not None and (truth == c).any()]
    ranked = [c for c, p in enumerate(points) if p["auc"].value is not None]
    none = Measure.undefined(NO_CLASS)
    overall = {
        "acc": result.acc if any(known) else none,
        "macro_f1": macro([points[c]["f1"] for c in f1]),
        "auc": macro([points[c]["auc"] for c in ranked]),
    }
    means = {
        "acc": Drawn(made["acc"], (np.unique(groups).size,)),
        "macro_f1": drawn["f1"].mean(f1),
        "auc": drawn["auc"].mean(ranked),
    }
    return SingleScores(
        overall={
            metric: Estimate.of(measure, means[metric].interval())
            for metric, measure in overall.items()
        },
        rows=rows,
        confusion=tuple(tuple(line) for line in result.confusion.tolist()),
        predicted=said,
        drawn=means,
    )


def _points(
    result: SingleLabel,
    truth: Classes,
    scores: Float[np.ndarray, "N C"],
    index: int,
    known: bool,
) -> dict[str, Measure]:
    """Return the point estimates of one class."""
    if not known:
        return dict.fromkeys(CLASS_METRICS, Measure.undefined(NO_CLASS))
    return {
        "f1": result.f1[index],
        "recall": result.recall[index],
        "precision": result.precision[index],
        "auc": auc(truth == index, scores[:, index]),
    }


def _replicates(
    truth: Classes, said: Classes, scores: Float[np.ndarray, "N C"], weights: Weights
) -> dict[str, Float[np.ndarray, "R _"]]:
    """Return every metric's value on each replicate."""
    area = np.full((weights.shape[0], scores.shape[1]), np.nan)
    for c in range(scores.shape[1]):
        labels = truth == c
        if one_sided(labels) is None and unusable(scores[:, c]) is None:
            area[:, c] = weighted_auc_ap(labels, scores[:, c], weights)[0]
    return {**weighted_single_label(truth, said, scores.shape[1], weights), "auc": area}
