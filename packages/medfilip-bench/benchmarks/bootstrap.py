"""Seconds of a 1,000-replicate patient bootstrap of 16 classes on 25,596 images, all metrics.

    uv run python packages/medfilip-bench/benchmarks/bootstrap.py [--images 25596] [--threads 1 2]

As many images as ChestX-ray14's test split has. Measured: AUC, AP, F1, ACC and MCC by both
protocols, calibration error and Brier score, the replicates and then the whole of `score_classes`;
peak memory; and whether the number of threads changes a figure. Wanted: 20 s on two cores, 1 GB.
"""

import argparse
import os
import resource
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from medfilip_bench.protocols import Scored, calibrate, decide
from medfilip_bench.scoring import ClassName, Resampling, score_classes
from medfilip_bench.scoring.judged import Judged, replicates
from medfilip_bench.stats import replicate

CLASSES = 16
IMAGES_A_PATIENT = 9


def make(seed: int, images: int) -> Scored:
    """Make labels of 2 to 30 % prevalence and scores with some skill."""
    generator = np.random.default_rng(seed)
    labels = (generator.random((images, CLASSES)) < np.linspace(0.02, 0.3, CLASSES)).astype(float)
    scores = labels + generator.normal(size=labels.shape)
    return Scored(labels, scores, np.arange(images) // IMAGES_A_PATIENT)


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=25_596)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    test, valid = make(0, options.images), make(1, 5000)
    judged = Judged(test, decide(test, valid), calibrate(test, valid))
    bins = judged.bins()
    seen: list[dict[str, np.ndarray]] = []
    for threads in options.threads:
        started, spent = time.perf_counter(), time.process_time()
        found = replicate(
            lambda weights: replicates(judged, bins, weights),
            test.groups,
            n_replicates=options.replicates,
            threads=threads,
        )
        took, cost = time.perf_counter() - started, time.process_time() - spent
        print(f"{threads} thread(s): replicates {took:.1f} s, {cost:.1f} s of processor")
        seen.append(found)
    same = all(
        np.array_equal(seen[0][k], other[k], equal_nan=True) for other in seen for k in other
    )
    print(f"the same with any number of threads: {same}")
    started, spent = time.perf_counter(), time.process_time()
    names = [ClassName(f"c{c}", f"class {c}") for c in range(CLASSES)]
    result = score_classes(names, test, valid, Resampling(options.replicates))
    auc = result.macro["auc"]
    took, cost = time.perf_counter() - started, time.process_time() - spent
    print(f"score_classes: {took:.1f} s, {cost:.1f} s of processor, {len(result.macro)} metrics")
    print(f"macro AUC {auc.value:.4f} ({auc.low:.4f} to {auc.high:.4f})")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
