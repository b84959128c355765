"""The largest difference from scikit-learn over random cases, metric by metric.

    uv run python packages/medfilip-bench/benchmarks/metrics.py [--cases 300]

Cases differ in size, prevalence, ties and weights. Wanted: at most 1e-9.
"""

import argparse
from collections import defaultdict

import numpy as np
from medfilip_bench.metrics.calibration import brier
from medfilip_bench.metrics.classification import (
    auc,
    average_precision,
    count,
    decisions,
    single_label,
)
from medfilip_bench.metrics.segmentation import overlaps
from medfilip_bench.stats import delong, weighted_auc_ap, weighted_counts
from scipy.special import expit
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    jaccard_score,
    matthews_corrcoef,
    roc_auc_score,
)

Pairs = dict[str, tuple[float, float]]


def binary(generator: np.random.Generator, n: int) -> Pairs:
    """Compare the metrics of one binary class, plain and weighted."""
    labels = generator.random(n) < generator.uniform(0.05, 0.6)
    labels[:2] = True, False
    scores = labels + generator.normal(size=n)
    if generator.random() < 0.5:
        scores = np.round(scores)
    said = scores >= generator.uniform(-0.5, 1)
    said[:2] = True, False
    made = decisions(count(labels, said))
    weights = generator.integers(0, 4, n).astype(np.float32)
    weights[:2] = 1
    area, average = weighted_auc_ap(labels, scores, weights[None])
    counts = weighted_counts(labels[:, None], said[:, None], np.ones((n, 1), bool), weights[None])
    other = generator.normal(size=n)
    both = delong(labels, scores, other) if 2 <= labels.sum() <= n - 2 else None
    used = weights > 0
    kept = {"sample_weight": weights[used]}
    pairs: Pairs = {
        "auc": (auc(labels, scores).value, roc_auc_score(labels, scores)),
        "ap": (
            average_precision(labels, scores).value,
            average_precision_score(labels, scores),
        ),
        "f1": (made["f1"].value, f1_score(labels, said)),
        "acc": (made["acc"].value, accuracy_score(labels, said)),
        "mcc": (made["mcc"].value, matthews_corrcoef(labels, said)),
        "brier": (brier(labels, expit(scores)).value, brier_score_loss(labels, expit(scores))),
        "auc, weighted": (area[0], roc_auc_score(labels, scores, sample_weight=weights)),
        "ap, weighted": (average[0], average_precision_score(labels[used], scores[used], **kept)),
        "f1, weighted": (counts.f1()[0, 0], f1_score(labels[used], said[used], **kept)),
        "acc, weighted": (counts.acc()[0, 0], accuracy_score(labels[used], said[used], **kept)),
        "mcc, weighted": (counts.mcc()[0, 0], matthews_corrcoef(labels[used], said[used], **kept)),
    }
    if both is not None:
        pairs["auc by DeLong"] = (both.second, roc_auc_score(labels, other))
    return pairs


def others(generator: np.random.Generator, n: int) -> Pairs:
    """Compare the choice of one class, and masks."""
    truth, said = generator.integers(0, 5, (2, n))
    found = single_label(truth, said, 5)
    present = sorted(set(truth.tolist()))
    expected = f1_score(truth, said, labels=present, average="macro", zero_division=0)
    mask, answer = generator.random((2, 1, 16, 16)) < generator.random()
    counts = overlaps(answer, mask)
    flat = mask.ravel(), answer.ravel()
    return {
        "acc, single label": (found.acc.value, accuracy_score(truth, said)),
        "macro F1, single label": (found.macro_f1.value, expected),
        "dice": (float(counts.dice()[0]), f1_score(*flat, zero_division=1)),
        "iou": (float(counts.iou()[0]), jaccard_score(*flat, zero_division=1)),
    }


def main() -> None:
    """Parse the command line, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    options = parser.parse_args()
    worst: dict[str, float] = defaultdict(float)
    for number in range(options.cases):
        generator = np.random.default_rng(number)
        n = int(generator.integers(4, 2000))
        for name, (ours, theirs) in (binary(generator, n) | others(generator, n)).items():
            worst[name] = max(worst[name], abs(ours - float(theirs)))
    for name, difference in worst.items():
        print(f"{name:24} {difference:.1e}")
    print(f"largest of {options.cases} cases: {max(worst.values()):.1e}")


if __name__ == "__main__":
    main()
