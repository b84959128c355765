"""Triplets of the rules on Open-i against the human MeSH codes.

    uv run python packages/gpt-ie/benchmarks/openi_mesh_triplets.py                # for tuning
    uv run python packages/gpt-ie/benchmarks/openi_mesh_triplets.py --split test   # at the very end

Reads ``openi_negbio/openi-testset.txt`` under MEDFILIP_DATA, and reports and codes from the
installed torchxrayvision. ``--write FOLDER`` writes the whole evaluation there, as Markdown, JSON
and SVG; none of it holds words of a report.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from gpt_ie.evaluate import list_errors, score, write_evaluation
from gpt_ie.evaluate.evaluation import Evaluation
from gpt_ie.evaluate.metrics import Estimate
from gpt_ie.gold import GoldError, openi_gold, openi_gold_reports
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.samples import SampleError
from iki_knowledge import load_knowledge


def rows(evaluation: Evaluation) -> dict[str, Estimate]:
    """The figures of the table."""
    return {
        "category F1, equal": evaluation.category.f1,
        "category F1, rolled up": evaluation.category_relaxed.f1,
        "triplet F1, relaxed": evaluation.triplet_relaxed.f1,
        "triplet F1, exact": evaluation.triplet.f1,
        "triplet F1, exact, literal": evaluation.triplet_literal.f1,
        "false positives a normal report": evaluation.normal.rate,
    }


def main() -> int:
    """Print the table, and on the ids for tuning how many errors there are of each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    parser.add_argument("--write", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    kb = load_knowledge()
    try:
        gold = openi_gold(kb, arguments.split)
        reports = list(openi_gold_reports(gold))
    except (GoldError, SampleError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    engine = RulesEngine(kb)
    begin = time.perf_counter()
    records = [engine.extract(report) for report in reports]
    rate = len(reports) / (time.perf_counter() - begin)
    evaluation = score(records, gold, kb=kb)
    print(f"{gold.name}: {len(reports)} reports, knowledge {kb.version}, {rate:.0f} reports/s\n")
    print("| figure | value | 95 % interval |\n|---|---:|---:|")
    for name, figure in rows(evaluation).items():
        print(f"| {name} | {figure.value:.3f} | {figure.low:.3f} to {figure.high:.3f} |")
    if arguments.split == "dev":
        errors = Counter((e.kind, e.how) for e in list_errors(records, gold, reports, kb=kb))
        print("\n| error | how | count |\n|---|---|---:|")
        for (kind, how), count in sorted(errors.items(), key=lambda item: -item[1]):
            print(f"| {kind} | {how} | {count} |")
    if arguments.write is not None:
        files = write_evaluation(evaluation, arguments.write, f"openi-{arguments.split}")
        print("\nwritten:", *files)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
