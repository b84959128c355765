"""What gpt-ie reads in the phantoms' reports, against what the generator drew."""

from collections.abc import Sequence

import numpy as np
from gpt_ie import Report, RulesEngine
from iki_knowledge import Finding
from jaxtyping import Bool, Float
from medfilip_model.data.samples import Sample

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.metrics.classification import count, decisions
from medfilip_bench.metrics.measure import Measure, macro
from medfilip_bench.results import Estimate, Row
from medfilip_bench.scoring import Resampling
from medfilip_bench.stats import (
    WeightedCounts,
    Weights,
    interval,
    macro_replicates,
    ratio,
    replicate,
    resting_on,
    weighted_counts,
)
from medfilip_bench.tasks.judged import describe, judged
from medfilip_bench.tasks.task import Bench, Outcome, Task

Table = Bool[np.ndarray, "N C"]


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Extract every report of the judged phantoms and compare category by category."""
    parts = judged(data)
    samples = [data.images.samples[row] for row in data.rows(parts.test)]
    engine = RulesEngine(bench.kb)
    read: list[tuple[Finding, ...]] = [
        engine.extract(
            Report(sample.id, {"findings": report.findings, "impression": report.impression})
        ).findings
        for sample, report in bench.pool.reported("test")
    ]
    named = {f.category for s in samples for f in s.present} | {f.category for r in read for f in r}
    categories = [category for category in bench.kb if category in named]
    truth = _table([sample.present for sample in samples], categories)
    said = _table([[f for f in found if f.presence != "absent"] for found in read], categories)
    mentioned = _table(read, categories)
    overall, per_class = score(truth, said, bench.resampling)
    rows = [
        Row(
            id=category,
            name=bench.kb[category].name,
            kind="class",
            positives=int(truth[:, c].sum()),
            n=len(samples),
            metrics=per_class[c],
        )
        for c, category in enumerate(categories)
    ]
    trivial, _ = score(truth, mentioned, bench.resampling)
    words = "every mention is present"
    rows.append(Row(id=words, name=words, kind="baseline", n=len(samples), metrics=trivial))
    agreed = [_agreement(samples, read, name) for name in ("severity", "side", "region")]
    return Outcome(
        data=describe(data, parts),
        metrics=overall,
        rows=tuple(rows),
        notes=(
            "A finding that the report hedges (“possible …”) was drawn, so present and uncertain "
            "both count as found; absent does not.",
            "Among the drawn findings whose category was found, the value drawn was read for "
            + ", ".join(words for words in agreed)
            + ".",
            f"Engine {engine.name}. Phantom reports are written from templates: real reports are "
            "harder.",
        ),
    )


def score(
    truth: Table, said: Table, resampling: Resampling
) -> tuple[dict[str, Estimate], list[dict[str, Estimate]]]:
    """Return micro and macro F1, and precision, recall and F1 of each category.

    Args:
        truth: Drawn, [N, C].
        said: Read, [N, C].
        resampling: Bootstrap settings.
    """
    known = np.ones_like(truth)

    def statistic(weights: Weights) -> dict[str, Float[np.ndarray, "R _"]]:
        counts: WeightedCounts = weighted_counts(truth, said, known, weights)
        twice = 2 * counts.tp.sum(axis=1, keepdims=True)
        both = (counts.true + counts.said).sum(axis=1, keepdims=True)
        return {
            "precision": ratio(counts.tp, counts.said),
            "recall": ratio(counts.tp, counts.true),
            "f1": counts.f1(),
            "micro_f1": ratio(twice, both),
        }

    drawn = replicate(
        statistic,
        np.arange(len(truth)),
        n_replicates=resampling.replicates,
        seed=resampling.seed,
    )
    points = [_points(truth[:, c], said[:, c]) for c in range(truth.shape[1])]
    few = resting_on(truth, known, np.arange(len(truth)))
    per_class = [
        {name: Estimate.of(m, interval(drawn[name][:, c], few[c])) for name, m in measures.items()}
        for c, measures in enumerate(points)
    ]
    everything = decisions(count(truth.ravel(), said.ravel()))["f1"]
    defined = [c for c, measures in enumerate(points) if measures["f1"].value is not None]
    overall = {
        "micro_f1": Estimate.of(everything, interval(drawn["micro_f1"][:, 0])),
        "macro_f1": Estimate.of(
            macro([measures["f1"] for measures in points]),
            interval(macro_replicates(drawn["f1"][:, defined])),
        ),
    }
    return overall, per_class


def _points(truth: Bool[np.ndarray, " N"], said: Bool[np.ndarray, " N"]) -> dict[str, Measure]:
    """Return precision, recall and F1 of one category."""
    counts = count(truth, said)
    claimed, real = counts.tp + counts.fp, counts.tp + counts.fn
    return {
        "precision": Measure(counts.tp / claimed) if claimed else Measure.undefined("never read"),
        "recall": Measure(counts.tp / real) if real else Measure.undefined("no positives"),
        "f1": decisions(counts)["f1"],
    }


def _table(found: Sequence[Sequence[Finding]], categories: Sequence[str]) -> Table:
    """Return which report has which category, [N, C]."""
    return np.array(
        [[c in {f.category for f in findings} for c in categories] for findings in found],
        dtype=bool,
    ).reshape(len(found), len(categories))


def _agreement(samples: Sequence[Sample], read: Sequence[Sequence[Finding]], name: str) -> str:
    """Say how often an attribute that was drawn was read, among categories that were found."""
    right = asked = 0
    for sample, findings in zip(samples, read, strict=True):
        for drawn in sample.present:
            wanted = getattr(drawn, name)
            matches = [
                f for f in findings if f.category == drawn.category and f.presence != "absent"
            ]
            if wanted is not None and matches:
                asked += 1
                right += any(getattr(f, name) == wanted for f in matches)
    return f"{name} {right} of {asked}"


def task(card: Card) -> Task:
    """Make the task on the reports of one set of phantoms."""
    return Task(
        family="extraction",
        dataset=card.id,
        title="Extraction from reports",
        about="Which findings does gpt-ie read in a report, against what was drawn in the image "
        "that the report describes? No image model takes part.",
        needs="images",
        run=run,
        splits=("test",),
        real=False,
        version=2,
    )
