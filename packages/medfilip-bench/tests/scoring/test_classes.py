"""Rows and macro figures of binary classes, by hand and by scikit-learn."""

import numpy as np
import pytest
from medfilip_bench.protocols import Scored
from medfilip_bench.scoring import ClassName, Resampling, score_classes
from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score

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


def test_a_class_that_the_model_lacks_is_null_throughout_and_leaves_the_macro_alone(scored):
    test, valid = scored(0), scored(1)
    cut = [Scored(s.labels[:, :3], s.scores[:, :3], s.groups) for s in (test, valid)]
    whole = score_classes(NAMES[:3], *cut, FEW)
    test.scores[:, 3] = valid.scores[:, 3] = np.nan
    result = score_classes(NAMES, test, valid, FEW)
    assert {m.reason for m in result.rows[3].metrics.values()} == {"the model has no such class"}
    assert result.rows[3].thresholds["paper"].reason == "the model has no such class"
    assert result.rows[3].positives > 0
    assert result.macro == whole.macro
    assert "c3" not in result.reliability


def test_calibration_is_fitted_on_the_validation_split_alone(scored):
    test, valid = scored(0), scored(1)
    result = score_classes(NAMES, test, valid, FEW)
    assert set(result.reliability) == {"c0", "c1", "c2", "c3", "all"}
    assert sum(b.n for b in result.reliability["all"]) == 800
    without = score_classes(NAMES, test, None, FEW)
    assert without.macro["ece"].reason == "undefined for every class"
    assert without.rows[0].metrics["brier"].reason == "no validation split"
    assert without.reliability == {}
    # A cosine ten times smaller says the same.
    small = [Scored(s.labels, s.scores / 10, s.groups) for s in (test, valid)]
    again = score_classes(NAMES, *small, FEW)
    assert again.macro["ece"].value == pytest.approx(result.macro["ece"].value, abs=1e-6)


def test_probabilities_are_judged_as_they_are(scored):
    test = scored(0)
    said = 1 / (1 + np.exp(-test.scores))
    result = score_classes(
        NAMES, Scored(test.labels, said, test.groups), None, FEW, probabilities=True
    )
    for c, row in enumerate(result.rows):
        expected = brier_score_loss(test.labels[:, c], said[:, c])
        assert row.metrics["brier"].value == pytest.approx(expected, abs=1e-9)
        bins = result.reliability[row.id]
        error = sum(b.n * abs(b.said - b.seen) for b in bins) / 200
        assert row.metrics["ece"].value == pytest.approx(error, abs=1e-9)


def test_curves_are_given_for_each_class(scored):
    result = score_classes(NAMES, scored(0), None, FEW)
    assert set(result.roc) == set(result.pr) == {"c0", "c1", "c2", "c3"}
    assert result.pr["c0"][0] == (0.0, 1.0)


def test_several_images_of_a_patient_widen_the_interval(scored):
    test = scored(0, n=50)
    four = np.tile(np.arange(50), 4)
    labels, scores = np.tile(test.labels, (4, 1)), np.tile(test.scores, (4, 1))
    by_patient, by_image = (
        score_classes(NAMES, Scored(labels, scores, g), None, FEW).macro["auc"]
        for g in (four, np.arange(200))
    )
    assert by_patient.value == by_image.value
    assert by_patient.high - by_patient.low > 1.5 * (by_image.high - by_image.low)


def test_a_class_of_one_patient_has_no_interval(scored):
    test = scored(0)
    test.labels[:, 0] = 0
    test.labels[7, 0] = 1
    row = score_classes(NAMES, test, None, FEW).rows[0]
    assert row.metrics["auc"].value is not None
    assert row.metrics["auc"].reason == "no interval: rests on a single patient"
    assert row.metrics["acc@paper"].low is not None
