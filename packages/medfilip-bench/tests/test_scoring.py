"""Rows and macro figures against a computation by hand and by scikit-learn."""

import numpy as np
import pytest
from medfilip_bench.baselines import baselines
from medfilip_bench.protocols import Scored
from medfilip_bench.scoring import ClassName, Resampling, score_classes
from sklearn.metrics import f1_score, roc_auc_score

NAMES = [ClassName(f"c{i}", f"class {i}") for i in range(4)]
FEW = Resampling(60, 0)


def test_rows_equal_scikit_learn(scored):
    test, valid = scored(0), scored(1)
    result = score_classes(NAMES, test, valid, FEW)
    areas = []
    for c, row in enumerate(result.rows):
        truth, scores = test.labels[:, c] == 1, test.scores[:, c]
        areas.append(roc_auc_score(truth, scores))
        assert row.metrics["auc"].value == pytest.approx(areas[-1], abs=1e-9)
        assert row.positives == truth.sum()
        for protocol in ("paper", "held-out"):
            cut = row.thresholds[protocol].value
            expected = f1_score(truth, scores >= cut)
            assert row.metrics[f"f1@{protocol}"].value == pytest.approx(expected, abs=1e-9)
        # Chosen on the test set, the threshold cannot be beaten there.
        assert row.metrics["f1@paper"].value >= row.metrics["f1@held-out"].value
        for estimate in row.metrics.values():
            assert estimate.low <= estimate.value <= estimate.high
    assert result.macro["auc"].value == pytest.approx(np.mean(areas), abs=1e-9)


def test_a_class_without_positives_is_null_with_its_reason_and_leaves_the_macro_alone(scored):
    test = scored(0)
    whole = score_classes(
        NAMES[:3], Scored(test.labels[:, :3], test.scores[:, :3], test.groups), None, FEW
    )
    test.labels[:, 3] = 0
    result = score_classes(NAMES, test, scored(1), FEW)
    assert result.rows[3].metrics["auc"].value is None
    assert result.rows[3].metrics["auc"].reason == "no positives"
    assert result.rows[3].metrics["f1@paper"].reason == "no threshold: no positives"
    assert result.rows[3].positives == 0
    assert result.roc["c3"] == ()
    assert result.macro["auc"] == whole.macro["auc"]


def test_a_class_without_a_threshold_leaves_the_macro_and_its_interval_alone(scored):
    test, valid = scored(0), scored(1)
    valid.labels[:, 3] = 0
    cut = [Scored(s.labels[:, :3], s.scores[:, :3], s.groups) for s in (test, valid)]
    result, whole = (score_classes(*a, FEW) for a in ((NAMES, test, valid), (NAMES[:3], *cut)))
    reason = "no threshold: validation split: no positives"
    for metric in ("f1@held-out", "acc@held-out", "mcc@held-out"):
        assert result.rows[3].metrics[metric].reason == reason
        assert result.macro[metric] == whole.macro[metric]


def test_images_with_unknown_labels_count_for_nothing(scored):
    test = scored(0)
    unknown = test.labels.copy()
    unknown[:50, 0] = np.nan
    partly = score_classes(NAMES, Scored(unknown, test.scores, test.groups), None, FEW).rows[0]
    kept = Scored(test.labels[50:], test.scores[50:], test.groups[50:] - 50)
    rest = score_classes(NAMES, kept, None, FEW).rows[0]
    assert partly.n == 150
    assert {k: v.value for k, v in partly.metrics.items()} == {
        k: v.value for k, v in rest.metrics.items()
    }


def test_scores_that_are_no_numbers_are_null_with_their_reason(scored):
    test = scored(0)
    test.scores[3, 1] = np.nan
    row = score_classes(NAMES, test, None, FEW).rows[1]
    assert row.metrics["auc"].reason == "1 of 200 scores are not finite"


def test_the_same_seed_gives_the_same_record(scored):
    first, again = (score_classes(NAMES, scored(0), scored(1), FEW) for _ in range(2))
    assert first.rows == again.rows
    assert first.macro == again.macro


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
