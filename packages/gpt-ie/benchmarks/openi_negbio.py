"""Presence of 14 labels on Open-i against the human MeSH codes, as mapped by NegBio.

    uv run python packages/gpt-ie/benchmarks/openi_negbio.py                # the ids for tuning
    uv run python packages/gpt-ie/benchmarks/openi_negbio.py --split test   # NegBio's 771 test ids

Reads ``openi_negbio/`` under MEDFILIP_DATA and the reports from the installed torchxrayvision.
Four readings of the same extraction, because the labels have conventions of their own, learnt from
the ids for tuning and stated here rather than fitted:

- `any`: present or uncertain counts as positive. The engine as it is.
- `present`: present alone counts.
- `worded`: as `any`, with the labels' own wording. They follow the noun: "nodular opacity" was
  coded as opacity, "tumor" not as mass, a calcified nodule as nodule, and hiatal hernia is not
  `Hernia` at all.
- `coded`: as `worded`, but of what is hedged only that counts which the coders took as said: a bare
  alternative ("atelectasis or scarring"), a probability, a borderline heart. What merely "may be"
  they mostly left out.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass

from gpt_ie.gold import NEGBIO_LABELS, GoldError, negbio_folder, negbio_gold, openi_test_ids
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.samples import openi_reports
from gpt_ie.schema import Report, ReportFindings

# What the coders took as said although it is hedged: bare alternatives, probabilities, borderline.
CODED_TRIGGERS = frozenset(
    {"or", "versus", "vs", "verses", "borderline", "probable", "probably", "likely", "most likely"}
)
# Label -> what the surface must look like; category -> label beside those of NEGBIO_LABELS.
WORDED_SURFACES: Mapping[str, re.Pattern[str]] = {
    "Nodule": re.compile(r"\bnodules?\b", re.IGNORECASE),
    "Mass": re.compile(r"\bmass(es)?\b", re.IGNORECASE),
    "Hernia": re.compile(r"^(?!.*(hiat|paraesophageal))", re.IGNORECASE),
}
WORDED_EXTRA: Mapping[str, str] = {"granuloma": "Nodule"}
BY_CATEGORY = {category: label for label, ids in NEGBIO_LABELS.items() for category in ids}


@dataclass(frozen=True, slots=True)
class Score:
    """True positives, false positives and false negatives with what follows from them."""

    hit: int
    false: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of the positives said that are true; 0 when none was said."""
        return self.hit / max(1, self.hit + self.false)

    @property
    def recall(self) -> float:
        """Share of the true positives that were said; 0 when there are none."""
        return self.hit / max(1, self.hit + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of both; 0 when there is nothing to find and nothing said."""
        return 2 * self.hit / max(1, 2 * self.hit + self.false + self.missed)


def labels(result: ReportFindings, presences: Set[str]) -> frozenset[str]:
    """The labels that a report's findings make positive."""
    said = {finding.category for finding in result.findings if finding.presence in presences}
    return frozenset(label for label, categories in NEGBIO_LABELS.items() if categories & said)


def worded_labels(engine: RulesEngine, report: Report, *, coded: bool) -> frozenset[str]:
    """The labels by their own wording, and by what the coders took as said if `coded`."""
    found: set[str] = set()
    for section, reading in engine.readings(report):
        verdict, category = reading.verdict, reading.finding.category
        label = BY_CATEGORY.get(category) or WORDED_EXTRA.get(category)
        surface = report.sections[section][slice(*reading.surface)]
        hedged = verdict.presence == "uncertain"
        if coded:
            hedged = hedged and verdict.trigger in {None, *CODED_TRIGGERS}
        if label is None or not (verdict.presence == "present" or hedged):
            continue
        if label not in WORDED_SURFACES or WORDED_SURFACES[label].search(surface):
            found.add(label)
    return frozenset(found)


def score(
    gold: Mapping[str, frozenset[str]], predicted: Mapping[str, frozenset[str]]
) -> dict[str, Score]:
    """One score a label, and `micro` over all of them."""
    counts: Counter[tuple[str, str]] = Counter()
    for name, truth in gold.items():
        for label in NEGBIO_LABELS:
            kind = {(True, True): "hit", (False, True): "false", (True, False): "missed"}.get(
                (label in truth, label in predicted[name])
            )
            if kind:
                counts[label, kind] += 1
                counts["micro", kind] += 1
    return {
        label: Score(counts[label, "hit"], counts[label, "false"], counts[label, "missed"])
        for label in (*NEGBIO_LABELS, "micro")
    }


def measure(
    reports: list[Report], gold: Mapping[str, frozenset[str]]
) -> tuple[dict[str, dict[str, Score]], float]:
    """Scores by reading (any, present, …) and label, and reports a second on one core."""
    engine = RulesEngine()
    begin = time.perf_counter()
    results = [engine.extract(report) for report in reports]
    rate = len(reports) / (time.perf_counter() - begin)
    readings = {
        "any": {r.report_id: labels(r, {"present", "uncertain"}) for r in results},
        "present": {r.report_id: labels(r, {"present"}) for r in results},
        "worded": {r.report_id: worded_labels(engine, r, coded=False) for r in reports},
        "coded": {r.report_id: worded_labels(engine, r, coded=True) for r in reports},
    }
    return {name: score(gold, predicted) for name, predicted in readings.items()}, rate


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    split = parser.parse_args().split
    try:
        gold, test = negbio_gold(negbio_folder()), openi_test_ids()
    except GoldError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    gold = {name: truth for name, truth in gold.items() if (name in test) == (split == "test")}
    reports = [report for report in openi_reports() if report.report_id in gold]
    scores, rate = measure(reports, gold)
    print(f"{split}: {len(reports)} reports, {rate:.0f} reports/s\n")
    heads = " | ".join(f"F1 {name}" for name in scores)
    print(f"| label | positives | {heads} | precision (any) | recall (any) |")
    print(f"|---|{'---:|' * (len(scores) + 3)}")
    for label in (*NEGBIO_LABELS, "micro"):
        plain = scores["any"][label]
        positives = plain.hit + plain.missed
        figures = [one[label].f1 for one in scores.values()] + [plain.precision, plain.recall]
        # Without positives there is nothing to recall; what is said falsely still counts in micro.
        cells = " | ".join(f"{figure:.3f}" if positives else "–" for figure in figures)
        print(f"| {label} | {positives} | {cells} |")
    common = [
        name for name in NEGBIO_LABELS if scores["any"][name].hit + scores["any"][name].missed >= 10
    ]
    macro = " | ".join(
        f"{sum(one[label].f1 for label in common) / len(common):.3f}" for one in scores.values()
    )
    print(f"| macro, {len(common)} labels with ≥ 10 positives | | {macro} | | |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
