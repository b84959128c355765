"""Patient-level bootstrap, vectorised over replicates and spread over threads.

A replicate draws patients with replacement; every image of a drawn patient counts as often as the
patient was drawn. So a replicate is a vector of weights, and each metric has a weighted form that
takes many replicates at once. Axes: R replicates, N images, C classes, P patients.
"""

import os
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float, Int

from medfilip_bench.stats.weighted import Weights

Statistic = Callable[[Weights], dict[str, Float[np.ndarray, "R _"]]]
# Replicates at a time: with 25,596 images a thread then works on arrays of 7 MB.
CHUNK = 64
MOST_THREADS = 8


def patient_groups(patients: Sequence[Hashable]) -> Int[np.ndarray, " N"]:
    """Number the patients in order of first appearance, [N]."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(p, len(numbers)) for p in patients], dtype=np.int64)


def resample_weights(groups: Int[np.ndarray, " N"], replicates: range, seed: int) -> Weights:
    """Return the weights of some replicates, [R, N].

    Every replicate has a stream of random numbers of its own, so that its draws depend on neither
    the others nor on who computes it.

    Args:
        groups: Patient number of each image, [N], every number in 0..P-1 used.
        replicates: Numbers of the replicates.
        seed: Seed of them all.
    """
    count = int(groups.max()) + 1 if groups.size else 0
    drawn = np.zeros((len(replicates), count), dtype=np.float32)
    for row, number in enumerate(replicates):
        if count:
            chosen = np.random.default_rng((seed, number)).integers(count, size=count)
            drawn[row] = np.bincount(chosen, minlength=count)
    return np.take(drawn, groups, axis=1)


def replicate(
    statistic: Statistic,
    groups: Int[np.ndarray, " N"],
    *,
    n_replicates: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> dict[str, Float[np.ndarray, "R _"]]:
    """Compute statistics on every bootstrap replicate; NaN marks an undefined replicate.

    Args:
        statistic: Weights [r, N] -> {metric: values [r, C]}; a pure function.
        groups: Patient number of each image, [N].
        n_replicates: Replicates R.
        seed: Seed of the draws; the same seed gives the same draws for every metric and model.
        threads: How many work at it; it changes nothing but the time. None: one a core.
    """
    chunks = [
        range(start, min(start + CHUNK, n_replicates)) for start in range(0, n_replicates, CHUNK)
    ]
    workers = min(threads or os.cpu_count() or 1, MOST_THREADS)
    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(lambda c: statistic(resample_weights(groups, c, seed)), chunks))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
