"""Reports with a known mistake against their images: does a model notice?"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from iki_knowledge import Finding
from medfilip_model.phantom.mistakes import MISTAKES, Mistake, Mistaken
from medfilip_model.statements.judge import DECISIVE, Judged, judge

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.learning.plausible import Plausibility
from medfilip_bench.metrics.classification import auc
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.results import Estimate, Row
from medfilip_bench.scoring import Resampling
from medfilip_bench.stats import interval, replicate, weighted_auc_ap, weighted_mean
from medfilip_bench.tasks.judged import describe, judged
from medfilip_bench.tasks.mistaken import (
    Doubter,
    Pairs,
    by_model,
    by_text,
    doubt,
    read_pairs,
)
from medfilip_bench.tasks.stated import fitted
from medfilip_bench.tasks.task import Bench, Outcome, Task

KINDS: Mapping[Mistake, str] = {
    "added": "finding added",
    "omitted": "finding omitted",
    "side": "side swapped",
    "severity": "severity changed",
    "negation": "finding denied",
}
# The doubt that a mistake should raise.
_OWN: Mapping[Mistake, str] = {
    "added": "presence",
    "omitted": "omission",
    "side": "side",
    "severity": "severity",
    "negation": "denial",
}
TRUE = "true"
TEXT, RANDOM = "the text alone", "random model"
# A kind of statement that a report has none of is doubted less than any that it has.
_NONE = -100.0


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Judge each true report and each wrong one, and say how well the scores tell them apart."""
    parts = judged(data)
    if parts.valid is None:
        raise NotApplicableError("no split is left to learn from how findings show")
    pairs = read_pairs(bench.pool, bench.kb, parts.valid)
    seen: dict[tuple[int, tuple[Finding, ...]], Judged] = {}
    fit, readings = fitted(bench.encoder, data, parts.valid, parts.test, bench.kb)
    of_random = fitted(bench.random, data, parts.valid, parts.test, bench.kb)
    text = Plausibility(pairs.others, fit.model.categories)

    def verdict(image: int, stated: Sequence[Finding]) -> Judged:
        key = image, tuple(stated)
        if key not in seen:
            seen[key] = judge(fit, readings[image], stated, bench.kb)
        return seen[key]

    doubters: Mapping[str, Doubter] = {
        bench.encoder.loaded.name: lambda image, stated: doubt(verdict(image, stated)),
        TEXT: by_text(text),
        RANDOM: by_model(*of_random, bench.kb),
    }
    rows = [
        _row(kind, name, pairs, doubter, verdict if place == 0 else None, bench.resampling)
        for kind in MISTAKES
        for place, (name, doubter) in enumerate(doubters.items())
    ]
    rows.insert(0, _true_row(pairs, verdict, bench.encoder.loaded.name, bench.resampling))
    own = [row for row in rows if row.kind == "variant" and row.id != TRUE]
    return Outcome(
        data=describe(data, parts),
        metrics={f"{metric}:{row.id}": row.metrics[metric] for row in own for metric in _AUCS},
        rows=tuple(rows),
        notes=(
            "Each phantom's report is written anew with one mistake and read by gpt-ie's rules. "
            "AUC: true reports against those with the mistake, by one score for any mistake; "
            "own AUC: by the doubt of the statements of that kind alone.",
            f"How findings show in the model's similarities was fitted to {fit.images} phantoms of "
            "the validation split; a statement is contradicted where the image is three times "
            f"likelier without it (evidence of {DECISIVE:.2f}), and a report flagged where one is, "
            "or something is omitted.",
            f"“{TEXT}” knows how plausible the statements are beside each other, and has not seen "
            "the image. A report with more statements has more to be doubted, so that whoever does "
            "not look is above 0.5 for what is added and below it for what is omitted or denied. "
            "Phantom mistakes are made by chance, those of people and programs are not.",
        ),
    )


_AUCS = ("auc", "auc_own")


def _row(
    kind: Mistake,
    name: str,
    pairs: Pairs,
    doubter: Doubter,
    verdict: Callable[[int, Sequence[Finding]], Judged] | None,
    resampling: Resampling,
) -> Row:
    """Return one line: a mistake, and who is to notice it."""
    cases = pairs.wrong[kind]
    wrong = [doubter(image, stated) for image, (stated, _) in cases.items()]
    true = [doubter(image, pairs.true[image]) for image in cases]
    own = _OWN[kind]
    metrics = {
        "auc": _auc([one.score for one in wrong], [one.score for one in true], resampling),
        "auc_own": _auc(
            [one.kinds.get(own, _NONE) for one in wrong],
            [one.kinds.get(own, _NONE) for one in true],
            resampling,
        ),
    }
    if verdict is not None:
        metrics |= _noticed(cases, verdict, resampling)
    return Row(
        id=kind if verdict else f"{kind}:{name}",
        name=KINDS[kind],
        kind="variant" if verdict else "baseline",
        positives=len(cases),
        n=2 * len(cases),
        metrics=metrics,
        of=name,
    )


def _auc(wrong: Sequence[float], true: Sequence[float], resampling: Resampling) -> Estimate:
    """AUC of wrong against true reports of the same images, resampled by image."""
    labels = np.repeat([True, False], [len(wrong), len(true)])
    scores = np.array([*wrong, *true])
    if not len(wrong):
        return Estimate(value=None, reason="no phantom shows what could be told wrong in this way")
    drawn = replicate(
        lambda weights: {"auc": weighted_auc_ap(labels, scores, weights)[0][:, None]},
        np.tile(np.arange(len(wrong)), 2),
        n_replicates=resampling.replicates,
        seed=resampling.seed,
    )
    return Estimate.of(auc(labels, scores), interval(drawn["auc"][:, 0], len(wrong)))


def _noticed(
    cases: Mapping[int, tuple[tuple[Finding, ...], Mistaken]],
    verdict: Callable[[int, Sequence[Finding]], Judged],
    resampling: Resampling,
) -> dict[str, Estimate]:
    """Shares of the mistakes that are called so, and that are believed."""
    called: list[bool] = []
    believed: list[bool] = []
    flagged: list[bool] = []
    for image, (stated, mistake) in cases.items():
        found = verdict(image, stated)
        flagged.append(_flagged(found))
        if mistake.said is None:
            missed = mistake.true.category if mistake.true else ""
            called.append(any(one.category == missed for one in found.omissions))
            believed.append(not flagged[-1])
            continue
        own = [j.verdict for j in found.judgements if _same(j.finding, mistake.said)]
        called.append("contradicted" in own)
        believed.append("supported" in own and "contradicted" not in own)
    named = {"noticed": called, "believed": believed, "flagged": flagged}
    return {name: _share(values, resampling) for name, values in named.items()}


def _same(finding: Finding, said: Finding) -> bool:
    return finding.category == said.category and (
        (finding.presence == "absent") == (said.presence == "absent")
    )


def _true_row(
    pairs: Pairs,
    verdict: Callable[[int, Sequence[Finding]], Judged],
    name: str,
    resampling: Resampling,
) -> Row:
    """Return what is said of reports without a mistake: alarms that are false."""
    found = [verdict(image, stated) for image, stated in enumerate(pairs.true)]
    verdicts = [one.verdict for judged in found for one in judged.judgements]
    metrics = {
        "flagged": _share([_flagged(one) for one in found], resampling),
        **{
            f"statements_{word}": Estimate.of(
                Measure(verdicts.count(word) / len(verdicts))
                if verdicts
                else Measure.undefined("no statement")
            )
            for word in ("supported", "undecided", "contradicted")
        },
    }
    return Row(
        id=TRUE, name="no mistake", kind="variant", positives=0, n=len(found), metrics=metrics,
        of=name,
    )  # fmt: skip


def _flagged(found: Judged) -> bool:
    return bool(found.omissions) or any(one.verdict == "contradicted" for one in found.judgements)


def _share(values: Sequence[bool], resampling: Resampling) -> Estimate:
    if not values:
        return Estimate(value=None, reason="no phantom shows what could be told wrong in this way")
    truth = np.array(values, dtype=np.float64)
    drawn = replicate(
        lambda weights: {"share": weighted_mean(truth[:, None], weights)},
        np.arange(len(truth)),
        n_replicates=resampling.replicates,
        seed=resampling.seed,
    )
    return Estimate.of(Measure(float(truth.mean())), interval(drawn["share"][:, 0], len(truth)))


def task(card: Card) -> Task:
    """Make the task on the reports of one set of phantoms."""
    return Task(
        family="report_consistency",
        dataset=card.id,
        title="Reports against images",
        about="A report has a finding too many or too few, a wrong side or severity, or denies "
        "what is there: does the model notice by the image?",
        needs="texts",
        run=run,
        splits=("valid", "test"),
        real=False,
        version=2,
    )
