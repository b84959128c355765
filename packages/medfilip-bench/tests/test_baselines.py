"""What needs no training: what it must score is known beforehand."""

import numpy as np
import pytest
from medfilip_bench.baselines import baselines, single_baselines
from medfilip_bench.scoring import ClassName, Resampling

NAMES = [ClassName(f"c{i}", f"class {i}") for i in range(4)]
FEW = Resampling(60, 0)


def test_trivial_baselines(scored):
    test, valid = scored(0), scored(1)
    generator = np.random.default_rng(5)
    random = generator.normal(size=(200, 4)), generator.normal(size=(200, 4))
    rows = {row.id: row.metrics for row in baselines(NAMES, test, valid, random, FEW)}
    prevalence = (test.labels == 1).mean(axis=0)
    for name in ("all-negative", "prevalence"):
        assert rows[name]["auc"].value == 0.5
        assert rows[name]["ap"].value == pytest.approx(prevalence.mean(), abs=1e-9)
        assert rows[name]["mcc@paper"].value is None
    assert rows["all-negative"]["f1@paper"].value == 0.0
    assert rows["all-negative"]["acc@held-out"].value == pytest.approx(1 - prevalence.mean())
    everything = 2 * prevalence / (1 + prevalence)
    assert rows["prevalence"]["f1@paper"].value == pytest.approx(everything.mean(), abs=1e-9)
    assert rows["prevalence"]["f1@held-out"].value == pytest.approx(everything.mean(), abs=1e-9)
    assert 0.4 < rows["random model"]["auc"].value < 0.6


def test_trivial_choices_of_one_class():
    truth = np.array([0, 0, 0, 1, 2, 2])
    names = [
        ClassName("mass", "Mass"),
        ClassName("nodule", "Nodule"),
        ClassName("normal", "normal"),
    ]
    random = np.eye(3)[[0, 1, 2, 1, 0, 2]]
    rows = {row.id: row for row in single_baselines(names, truth, random, range(6), FEW)}
    assert list(rows) == ["majority", "all-negative", "random model"]
    assert rows["majority"].name == "majority (always Mass)"
    assert rows["majority"].metrics["acc"].value == 3 / 6
    assert rows["all-negative"].metrics["acc"].value == pytest.approx(2 / 6)
    assert rows["random model"].metrics["acc"].value == 3 / 6
    assert rows["majority"].metrics["auc"].value == 0.5
    assert {row.kind for row in rows.values()} == {"baseline"}


def test_without_a_normal_class_nothing_says_normal():
    rows = single_baselines(NAMES[:2], np.array([0, 1, 1]), np.eye(2)[[0, 0, 1]], range(3), FEW)
    assert [row.id for row in rows] == ["majority", "random model"]
