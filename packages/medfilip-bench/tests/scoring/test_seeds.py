"""Means over seeds: values by hand, spread, and intervals that know of the seeds."""

import numpy as np
import pytest
from medfilip_bench.protocols import Scored
from medfilip_bench.results import Estimate
from medfilip_bench.scoring import (
    ClassName,
    Drawn,
    Resampling,
    across_seeds,
    score_classes,
    seed_table,
)

NAMES = [ClassName(f"c{i}", f"class {i}") for i in range(2)]
FEW = Resampling(60, 0)


def trained(test, seed, noise=0.5):
    shift = noise * np.random.default_rng(seed).normal(size=test.scores.shape)
    return Scored(test.labels, test.scores + shift, test.groups)


def test_means_and_spread_are_those_of_the_seeds(scored):
    test, valid = scored(0, classes=2), scored(1, classes=2)
    tests = [trained(test, seed) for seed in range(3)]
    result = across_seeds(NAMES, tests, [valid] * 3, FEW)
    alone = [score_classes(NAMES, t, valid, FEW) for t in tests]
    for metric in ("auc", "f1@paper", "f1@held-out", "mcc@held-out", "ece", "brier"):
        values = [run.macro[metric].value for run in alone]
        estimate = result.macro.metrics[metric]
        assert estimate.value == pytest.approx(np.mean(values))
        assert result.macro.spread[metric] == pytest.approx(np.std(values, ddof=1))
        assert estimate.low <= estimate.value <= estimate.high
        values = [run.rows[1].metrics[metric].value for run in alone]
        assert result.rows[1].metrics[metric].value == pytest.approx(np.mean(values))
        assert result.rows[1].spread[metric] == pytest.approx(np.std(values, ddof=1))
    assert {row.seeds for row in result.rows} == {3}
    cuts = [run.rows[0].thresholds["paper"].value for run in alone]
    assert result.rows[0].thresholds["paper"].value == pytest.approx(np.mean(cuts))
    assert result.rows[0].id == "c0"


def test_one_seed_is_that_seed(scored):
    test, valid = scored(0, classes=2), scored(1, classes=2)
    result = across_seeds(NAMES, [test], [valid], FEW)
    alone = score_classes(NAMES, test, valid, FEW)
    assert result.macro.metrics == alone.macro
    assert result.macro.spread == {}
    assert result.rows == alone.rows


def test_seeds_that_differ_widen_the_interval(scored):
    test = scored(0, classes=2)
    alike = across_seeds(NAMES, [test] * 3, None, FEW).macro.metrics["auc"]
    worse = [
        Scored(test.labels, k * test.scores + (1 - k) * trained(test, 9, 3.0).scores, test.groups)
        for k in (1.0, 0.5, 0.0)
    ]
    unlike = across_seeds(NAMES, worse, None, FEW).macro.metrics["auc"]
    assert unlike.high - unlike.low > 2 * (alike.high - alike.low)


def test_what_one_seed_lacks_the_mean_lacks(scored):
    test = scored(0, classes=2)
    broken = Scored(test.labels, test.scores.copy(), test.groups)
    broken.scores[:, 0] = np.nan
    result = across_seeds(NAMES, [test, broken], None, FEW)
    assert result.rows[0].metrics["auc"].reason == "the model has no such class"
    assert result.rows[1].metrics["auc"].value is not None


def test_an_interval_ends_where_the_metric_does():
    sure = Drawn(np.linspace(0.97, 1.0, 50)[:, None], (100,))
    unsure = Drawn(np.linspace(0.5, 0.6, 50)[:, None], (100,))
    values = [{"auc": Estimate(value=v)} for v in (0.99, 0.55)]
    found = seed_table(values, [{"auc": sure}, {"auc": unsure}], FEW).metrics["auc"]
    assert found.value == pytest.approx(0.77)
    assert 0.4 < found.low < 0.6
    assert 0.95 < found.high <= 1.0


def test_seeds_that_judge_other_images_are_refused(scored):
    with pytest.raises(ValueError, match="other labels"):
        across_seeds(NAMES, [scored(0, classes=2), scored(1, classes=2)], None, FEW)
    with pytest.raises(ValueError, match="0 seeds"):
        across_seeds(NAMES, [], None, FEW)
    with pytest.raises(ValueError, match="2 give thresholds"):
        across_seeds(NAMES, [scored(0, classes=2)], [scored(1, classes=2)] * 2, FEW)
