"""Patients are drawn whole, and the same draws come out whoever makes them."""

import numpy as np
import pytest
from medfilip_bench.stats import (
    interval,
    patient_groups,
    replicate,
    resample_weights,
    weighted_mean,
)


def test_patients_are_drawn_whole():
    groups = patient_groups(["a", "b", "a", "c", "b"])
    assert groups.tolist() == [0, 1, 0, 2, 1]
    weights = resample_weights(groups, range(300), 0)
    assert weights.shape == (300, 5)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    # Each of three patients is drawn once on average.
    assert weights[:, 3].mean() == pytest.approx(1, abs=0.15)


def test_the_same_seed_draws_the_same_replicates():
    groups = np.arange(40)
    values = np.random.default_rng(1).normal(size=(40, 1))

    def mean(weights):
        return {"mean": weighted_mean(values, weights)}

    first, again, other = (
        replicate(mean, groups, n_replicates=300, seed=seed)["mean"] for seed in (7, 7, 8)
    )
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_change_nothing(threads):
    groups = np.arange(50) // 2
    values = np.random.default_rng(1).normal(size=(50, 2))
    one, many = (
        replicate(
            lambda w: {"mean": weighted_mean(values, w)}, groups, n_replicates=333, threads=count
        )["mean"]
        for count in (1, threads)
    )
    assert one.shape == (333, 2)
    assert (one == many).all()


def test_a_replicate_depends_on_its_number_alone():
    groups = np.arange(10)
    whole = resample_weights(groups, range(50), 3)
    parts = [resample_weights(groups, range(k, k + 10), 3) for k in range(0, 50, 10)]
    assert (whole == np.concatenate(parts)).all()


def test_clusters_widen_the_interval():
    generator = np.random.default_rng(0)
    patients = np.repeat(np.arange(40), 10)
    values = np.repeat(generator.normal(size=40), 10)[:, None]
    by_patient, by_image = (
        interval(replicate(lambda w: {"m": weighted_mean(values, w)}, g)["m"][:, 0])
        for g in (patients, np.arange(400))
    )
    assert by_patient.high - by_patient.low > 2 * (by_image.high - by_image.low)


def test_no_images_are_drawn_from_nothing():
    assert resample_weights(np.zeros(0, dtype=np.int64), range(4), 0).shape == (4, 0)
