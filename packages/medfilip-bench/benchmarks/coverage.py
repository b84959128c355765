"""How often the 95 % intervals hold the truth, over simulated data sets whose truth is known.

    uv run python packages/medfilip-bench/benchmarks/coverage.py [--sets 1000] [--patients 150 600]

Each data set has patients with one to five images each, alike within a patient in labels and in
scores, and four classes of prevalence 5 to 40 %. The scores are probabilities that are wrong by a
known curve; the threshold is fixed. Rows, macro figures and intervals come from `score_classes`,
as in every table. The truth is that of two million images. Wanted: 93 to 97 %;
the calibration error's interval errs on the wide side (`stats.calibration_interval`).
"""

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from medfilip_bench.metrics.calibration import brier, calibration_error
from medfilip_bench.metrics.classification import auc, average_precision, count, decisions
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.protocols import PROTOCOLS, Scored, apply
from medfilip_bench.scoring import ClassName, Resampling, score_classes
from scipy.special import expit
from scipy.stats import norm

PREVALENCES = (0.05, 0.1, 0.2, 0.4)
SKILL = 1.5
# Share of the variance that images of one patient have in common.
LABELS_ALIKE, SCORES_ALIKE = 0.5, 0.4
METRICS = {
    "auc": "auc",
    "ap": "ap",
    "f1": "f1@paper",
    "acc": "acc@paper",
    "mcc": "mcc@paper",
    "brier": "brier",
    "ece": "ece",
}
LARGE = 2_000_000


def draw(
    generator: np.random.Generator, patients: int, images: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw labels, probabilities and patients, one column a class."""
    groups = np.repeat(np.arange(patients), images)
    shape = (groups.size, len(PREVALENCES))

    def alike(share: float) -> np.ndarray:
        common = generator.normal(size=(patients, len(PREVALENCES)))[groups]
        return np.sqrt(share) * common + np.sqrt(1 - share) * generator.normal(size=shape)

    labels = alike(LABELS_ALIKE) > norm.ppf(1 - np.array(PREVALENCES))
    scores = SKILL * labels + alike(SCORES_ALIKE)
    odds = np.log(np.array(PREVALENCES) / (1 - np.array(PREVALENCES)))
    # What is said is too sure and too low: true log-odds are SKILL * scores - SKILL² / 2 + odds.
    said = expit(1.3 * (SKILL * scores - SKILL**2 / 2) + odds - 0.2)
    return labels, said, groups


def cuts() -> list[Measure]:
    """Return the fixed thresholds: probability of an image half way between the classes."""
    odds = np.log(np.array(PREVALENCES) / (1 - np.array(PREVALENCES)))
    return [Measure(float(t)) for t in expit(1.3 * 0.3 + odds - 0.2)]


def truth() -> dict[str, np.ndarray]:
    """Return every metric of a very large data set, one image a patient, one value a class."""
    generator = np.random.default_rng(2**31)
    labels, said, _ = draw(generator, LARGE, np.ones(LARGE, dtype=np.int64))
    rows = []
    for c, cut in enumerate(cuts()):
        y, p = labels[:, c], said[:, c]
        row = {"auc": auc(y, p), "ap": average_precision(y, p)}
        row |= {"brier": brier(y, p), "ece": calibration_error(y, p)}
        rows.append(row | decisions(count(y, p >= cut.value)))
    return {name: np.array([row[name].value for row in rows]) for name in METRICS}


def simulate(patients: int, sets: int, replicates: int, known: dict[str, np.ndarray]) -> None:
    """Print the coverage of every metric for one number of patients."""
    names = [ClassName(f"c{c}", str(p)) for c, p in enumerate(PREVALENCES)]
    hits = {name: np.zeros((2, len(PREVALENCES) + 1)) for name in METRICS}
    started = time.perf_counter()
    for number in range(sets):
        generator = np.random.default_rng((patients, number))
        images = generator.integers(1, 6, size=patients)
        labels, said, groups = draw(generator, patients, images)
        decided = dict.fromkeys(PROTOCOLS, apply(cuts(), said))
        result = score_classes(
            names,
            Scored(labels.astype(np.float64), said, groups),
            None,
            Resampling(replicates, number),
            decided=decided,
            probabilities=True,
        )
        for name, metric in METRICS.items():
            found = [row.metrics[metric] for row in result.rows] + [result.macro[metric]]
            aim = [*known[name], known[name].mean()]
            for c, (estimate, value) in enumerate(zip(found, aim, strict=True)):
                if estimate.low is not None:
                    hits[name][:, c] += (estimate.low <= value <= estimate.high, 1)
    took = time.perf_counter() - started
    print(f"{patients} patients, {sets} data sets, {replicates} replicates, {took:.0f} s")
    heads = [f"{p:.0%}" for p in PREVALENCES]
    print("metric  " + "".join(f"{h:>8}" for h in [*heads, "macro"]) + "   of data sets with one")
    for name, (held, made) in hits.items():
        shares = "".join(f"{100 * h / max(n, 1):8.1f}" for h, n in zip(held, made, strict=True))
        print(f"{name:8}{shares}   {int(made.min())}")


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--replicates", type=int, default=500)
    parser.add_argument("--patients", type=int, nargs="+", default=[150, 600])
    options = parser.parse_args()
    known = truth()
    print(
        "truth (5, 10, 20, 40 %): " + "; ".join(f"{k} {np.round(v, 3)}" for k, v in known.items())
    )
    for patients in options.patients:
        simulate(patients, options.sets, options.replicates, known)


if __name__ == "__main__":
    main()
