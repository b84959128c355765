"""The calibration error's interval: over the truth where a bootstrap's percentiles are not."""

import numpy as np
import pytest
from medfilip_bench.metrics.calibration import bins_of, calibration_error
from medfilip_bench.stats import (
    calibration_interval,
    interval,
    resample_weights,
    weighted_gaps,
)

ONE = np.ones((1, 200), dtype=np.float32)


def drawn(generator, wrong=0.0):
    """200 images, one a patient; the probability said is wrong by that much."""
    chance = generator.uniform(0.1, 0.8, size=200)
    labels, said = generator.random(200) < chance, chance + wrong
    bins = bins_of(said)
    weights = resample_weights(np.arange(200), range(150), int(generator.integers(1 << 30)))
    error = calibration_error(labels, said).value
    gaps = weighted_gaps(labels, said, bins, 10, ONE)[0]
    return error, gaps, weighted_gaps(labels, said, bins, 10, weights)


@pytest.mark.parametrize(("wrong", "truth"), [(0.0, 0.0), (0.15, 0.15)])
def test_it_covers_the_truth(wrong, truth):
    generator = np.random.default_rng(5)
    covered, plain = 0, 0
    for _ in range(80):
        error, gaps, replicates = drawn(generator, wrong)
        found = calibration_interval(error, gaps, replicates, 60)
        covered += found.low <= truth <= found.high
        percentiles = interval(np.abs(replicates).sum(axis=1))
        plain += percentiles.low <= truth <= percentiles.high
        assert found.low <= error <= found.high
    # Binomial(80, .95): four standard deviations are 8.
    assert 68 <= covered <= 80
    # Percentiles never reach down to "right throughout".
    assert plain == 0 if truth == 0 else plain > 0


def test_right_throughout_and_without_noise_is_exactly_that():
    gaps = np.array([0.0, 0.0])
    found = calibration_interval(0.0, gaps, np.zeros((10, 2)))
    assert (found.low, found.high) == (0.0, 0.0)


def test_wrong_without_noise_is_exactly_that():
    gaps = np.array([0.1, -0.2])
    found = calibration_interval(0.3, gaps, np.tile(gaps, (10, 1)))
    assert found.low == pytest.approx(0.3)
    assert found.high == pytest.approx(0.3)


def test_what_is_undefined_says_why():
    gaps = np.array([0.1, -0.2])
    nothing = calibration_interval(0.3, gaps, np.full((10, 2), np.nan))
    assert nothing.reason == "undefined in 10 of 10 replicates"
    assert calibration_interval(0.3, gaps, np.zeros((4, 2)), 1).reason is not None
