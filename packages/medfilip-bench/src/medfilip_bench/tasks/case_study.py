"""The paper's case study: three kinds of text for the same images, and which lies nearest."""

import numpy as np
from iki_knowledge import Finding
from jaxtyping import Bool, Float

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.metrics.classification import auc, one_sided
from medfilip_bench.metrics.measure import Measure, macro
from medfilip_bench.protocols import category_prompt
from medfilip_bench.results import Estimate, Row
from medfilip_bench.stats import (
    Weights,
    interval,
    macro_replicates,
    patient_groups,
    ratio,
    replicate,
    resting_on,
    weighted_auc_ap,
)
from medfilip_bench.tasks.judged import describe, judged
from medfilip_bench.tasks.task import Bench, Outcome, Task

KINDS = {
    "template": "template and category",
    "severity": "severity and category",
    "explanation": "explanation",
}


def texts(bench: Bench, shown: LabelClass) -> dict[str, str]:
    """Return the three texts of a graded class.

    Args:
        bench: What every task is given.
        shown: The class.
    """
    name = bench.kb[shown.category].name
    return {
        "template": category_prompt(name.lower()),
        "severity": category_prompt(f"{shown.severity} {name.lower()}"),
        "explanation": bench.kb.text(
            Finding(category=shown.category, severity=shown.severity), template="explanation"
        ),
    }


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Compare each class's images with its three texts."""
    parts = judged(data)
    rows = data.rows(parts.test)
    graded = [c for c in data.classes if c.severity is not None]
    asked = [(c, kind, text) for c in graded for kind, text in texts(bench, c).items()]
    scores = bench.encoder.scores(
        data, parts.test, [None] * len(asked), [(text,) for _, _, text in asked]
    )
    place = {c.id: column for column, c in enumerate(data.classes)}
    truth = np.stack([data.labels[rows][:, place[c.id]] == 1 for c, _, _ in asked], axis=1)
    groups = patient_groups([data.images.samples[row].patient_id for row in rows])
    drawn = replicate(
        lambda weights: _replicates(truth, scores, weights),
        groups,
        n_replicates=bench.resampling.replicates,
        seed=bench.resampling.seed,
    )
    few = resting_on(truth, np.ones_like(truth), groups)
    points = [_points(truth[:, k], scores[:, k]) for k in range(len(asked))]
    lines = tuple(
        Row(
            id=f"{c.id}:{kind}",
            name=KINDS[kind],
            kind="variant",
            positives=int(truth[:, k].sum()),
            n=len(rows),
            metrics={
                m: Estimate.of(v, interval(drawn[m][:, k], few[k])) for m, v in points[k].items()
            },
            text=text,
            of=c.name,
        )
        for k, (c, kind, text) in enumerate(asked)
    )
    columns = {
        kind: [k for k, (_, which, _) in enumerate(asked) if which == kind] for kind in KINDS
    }
    overall = tuple(
        Row(
            id=kind,
            name=KINDS[kind],
            kind="variant",
            n=len(rows),
            metrics={
                m: Estimate.of(
                    macro([points[k][m] for k in own]), interval(macro_replicates(drawn[m][:, own]))
                )
                for m in ("similarity", "others", "auc")
            },
            of="all classes",
        )
        for kind, own in columns.items()
    )
    return Outcome(
        data=describe(data, parts),
        metrics={f"auc:{row.id}": row.metrics["auc"] for row in overall},
        rows=overall + lines,
        notes=(
            "Similarity is the mean score of a class's own images with the text, “others” that of "
            "all other images; AUC says how well the text tells the two apart. A text that lies "
            "near to every image is no better for it.",
        ),
    )


def _points(truth: Bool[np.ndarray, " N"], scores: Float[np.ndarray, " N"]) -> dict[str, Measure]:
    reason = one_sided(truth)
    if reason:
        return dict.fromkeys(("similarity", "others", "auc"), Measure.undefined(reason))
    return {
        "similarity": Measure(float(scores[truth].mean())),
        "others": Measure(float(scores[~truth].mean())),
        "auc": auc(truth, scores),
    }


def _replicates(
    truth: Bool[np.ndarray, "N K"], scores: Float[np.ndarray, "N K"], weights: Weights
) -> dict[str, Float[np.ndarray, "R K"]]:
    """Return means within and without the class, and the AUC, on every replicate."""
    inside, outside = truth.astype(np.float64), (~truth).astype(np.float64)
    area = np.full((len(weights), truth.shape[1]), np.nan)
    for k in range(truth.shape[1]):
        if one_sided(truth[:, k]) is None:
            area[:, k] = weighted_auc_ap(truth[:, k], scores[:, k], weights)[0]
    return {
        "similarity": ratio(weights @ (inside * scores), weights @ inside),
        "others": ratio(weights @ (outside * scores), weights @ outside),
        "auc": area,
    }


def task(card: Card) -> Task:
    """Make the task of one data set with graded classes."""
    return Task(
        family="case_study",
        dataset=card.id,
        title=f"Case study: three kinds of text, {card.name}",
        about="How near do images lie to the template with the category, to severity and category, "
        "and to the explanation of what it looks like?",
        needs="texts",
        run=run,
        splits=("test",),
    )
