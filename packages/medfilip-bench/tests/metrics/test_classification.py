"""Hand matrices a person can check, scikit-learn to 1e-9, and invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from medfilip_bench.metrics.classification import (
    Counts,
    auc,
    average_precision,
    best_f1_threshold,
    count,
    decisions,
    pr_points,
    roc_points,
    single_label,
)
from medfilip_bench.metrics.measure import Measure, macro
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    matthews_corrcoef,
    roc_auc_score,
)

FEW = settings(max_examples=25, deadline=None)

LABELS = np.array([True, False, True, False])
SCORES = np.array([0.9, 0.8, 0.7, 0.1])


def labelled(minimum: int = 4):
    """Labels with both classes, and scores on a coarse grid (so that ties occur)."""

    def pair(n: int):
        labels = arrays(np.bool_, n).filter(lambda a: a.any() and not a.all())
        scores = arrays(np.int64, n, elements=st.integers(-5, 5)).map(lambda a: a / 4)
        return st.tuples(labels, scores)

    return st.integers(minimum, 40).flatmap(pair)


def test_auc_by_hand():
    # Pairs (positive, negative): .9 beats .8 and .1, .7 loses to .8 and beats .1: 3 of 4.
    assert auc(LABELS, SCORES).value == 0.75


def test_auc_counts_ties_half():
    assert auc(LABELS, np.array([0.5, 0.5, 0.5, 0.5])).value == 0.5
    assert auc(LABELS, np.array([1.0, 1.0, 0.0, 0.0])).value == 0.5


def test_average_precision_by_hand():
    # Positives at ranks 1 and 3: (1/1 + 2/3) / 2.
    assert average_precision(LABELS, SCORES).value == pytest.approx(5 / 6, abs=1e-12)


def test_best_threshold_by_hand():
    # Cut at .7: TP 2, FP 1, FN 0: F1 .8. Cut at .9: TP 1, FN 1: F1 2/3.
    assert best_f1_threshold(LABELS, SCORES).value == 0.7


def test_best_threshold_takes_the_highest_of_equals():
    # Cut at .9: TP 1, FP 0, FN 1: 2/3. Cut at .1: TP 2, FP 2: 4/6 = 2/3. Same F1: the higher cut.
    labels = np.array([True, False, False, True])
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    assert best_f1_threshold(labels, scores).value == 0.9


@FEW
@given(labelled())
def test_best_threshold_is_the_best(pair):
    labels, scores = pair
    threshold = best_f1_threshold(labels, scores).value
    best = max(f1_score(labels, scores >= cut) for cut in np.unique(scores))
    assert f1_score(labels, scores >= threshold) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [([], "no images"), ([0, 0], "no positives"), ([1, 1], "no negatives")],
)
def test_auc_undefined_has_a_reason(labels, reason):
    scores = np.zeros(len(labels))
    assert auc(np.array(labels, dtype=bool), scores) == Measure(None, reason)


def test_scores_that_are_no_numbers_are_named():
    scores = np.array([0.1, np.nan, np.inf, 0.2])
    assert auc(LABELS, scores).reason == "2 of 4 scores are not finite"
    assert average_precision(LABELS, scores).reason == "2 of 4 scores are not finite"
    assert best_f1_threshold(LABELS, scores).reason == "2 of 4 scores are not finite"
    assert roc_points(LABELS, scores) == ()
    assert pr_points(LABELS, scores) == ()


def test_a_class_that_the_model_lacks_is_named():
    scores = np.full(4, np.nan)
    for metric in (auc, average_precision, best_f1_threshold):
        assert metric(LABELS, scores).reason == "the model has no such class"


def test_all_positive_has_a_precision_and_no_auc():
    labels = np.array([True, True])
    assert average_precision(labels, np.array([0.1, 0.2])).value == 1.0
    assert best_f1_threshold(labels, np.array([0.1, 0.2])).value == 0.1


def test_decisions_by_hand():
    measures = decisions(Counts(tp=6, fp=2, fn=3, tn=9))
    assert measures["f1"].value == 12 / 17
    assert measures["acc"].value == 15 / 20
    assert measures["mcc"].value == pytest.approx((54 - 6) / np.sqrt(8 * 9 * 11 * 12), abs=1e-12)


@pytest.mark.parametrize(
    ("counts", "name", "reason"),
    [
        (Counts(0, 0, 0, 0), "acc", "no images"),
        (Counts(0, 2, 0, 2), "f1", "no positives"),
        (Counts(0, 0, 2, 2), "mcc", "every prediction is the same"),
        (Counts(0, 2, 0, 2), "mcc", "no positives"),
        (Counts(2, 0, 2, 0), "mcc", "no negatives"),
    ],
)
def test_decisions_undefined_have_a_reason(counts, name, reason):
    assert decisions(counts)[name] == Measure(None, reason)


def test_finding_nothing_is_a_measured_zero():
    assert decisions(Counts(tp=0, fp=0, fn=3, tn=4))["f1"].value == 0.0


@FEW
@given(labelled())
def test_equal_to_scikit_learn(pair):
    labels, scores = pair
    assert auc(labels, scores).value == pytest.approx(roc_auc_score(labels, scores), abs=1e-9)
    precision = average_precision_score(labels, scores)
    assert average_precision(labels, scores).value == pytest.approx(precision, abs=1e-9)
    said = scores >= 0
    measures = decisions(count(labels, said))
    assert measures["f1"].value == pytest.approx(f1_score(labels, said), abs=1e-9)
    assert measures["acc"].value == pytest.approx(accuracy_score(labels, said), abs=1e-9)
    if said.any() and not said.all():
        assert measures["mcc"].value == pytest.approx(matthews_corrcoef(labels, said), abs=1e-9)


@FEW
@given(labelled(), st.floats(0.1, 10), st.floats(-3, 3))
def test_auc_and_ap_ignore_monotone_transforms(pair, scale, shift):
    labels, scores = pair
    for moved in (scores * scale + shift, np.exp(scores), scores**3):
        assert auc(labels, moved).value == pytest.approx(auc(labels, scores).value, abs=1e-9)
        assert average_precision(labels, moved).value == pytest.approx(
            average_precision(labels, scores).value, abs=1e-9
        )


@FEW
@given(labelled(), st.randoms(use_true_random=False))
def test_metrics_ignore_the_order_of_images(pair, random):
    labels, scores = pair
    order = list(range(labels.size))
    random.shuffle(order)
    for metric in (auc, average_precision, best_f1_threshold):
        assert metric(labels[order], scores[order]).value == pytest.approx(
            metric(labels, scores).value, abs=1e-9
        )


@FEW
@given(labelled())
def test_auc_of_negated_scores_is_the_complement(pair):
    labels, scores = pair
    assert auc(labels, -scores).value == pytest.approx(1 - auc(labels, scores).value, abs=1e-9)


def test_roc_points_run_from_corner_to_corner_and_are_thinned():
    generator = np.random.default_rng(0)
    labels = generator.random(5000) < 0.3
    points = roc_points(labels, generator.normal(size=5000) + labels, limit=50)
    assert points[0] == (0.0, 0.0)
    assert points[-1] == (1.0, 1.0)
    assert len(points) <= 50


def test_pr_points_by_hand():
    # Cuts .9, .8, .7: one of one, one of two, two of three.
    assert pr_points(LABELS, SCORES) == (
        (0.0, 1.0),
        (0.5, 1.0),
        (0.5, 0.5),
        (1.0, 2 / 3),
        (1.0, 0.5),
    )


def test_pr_points_end_at_the_prevalence_and_are_thinned():
    generator = np.random.default_rng(0)
    labels = generator.random(5000) < 0.3
    points = pr_points(labels, generator.normal(size=5000) + labels, limit=50)
    assert points[0] == (0.0, 1.0)
    assert points[-1] == (1.0, pytest.approx(labels.mean()))
    assert len(points) <= 50
    recalls = [recall for recall, _ in points]
    assert recalls == sorted(recalls)


def test_single_label_by_hand():
    # True 0: said 0, 0, 1.  True 1: said 1.  True 2: said 0.
    result = single_label(np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 0]), 3)
    assert result.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert result.acc.value == 3 / 5
    assert [m.value for m in result.f1] == [4 / 6, 2 / 3, 0.0]
    assert [m.value for m in result.recall] == [2 / 3, 1.0, 0.0]
    assert result.precision[2] == Measure(None, "this class is never predicted")
    assert result.macro_f1.value == pytest.approx((4 / 6 + 2 / 3 + 0) / 3, abs=1e-12)


@FEW
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_single_label_equals_scikit_learn(pairs):
    truth, said = (np.array(column) for column in zip(*pairs, strict=True))
    result = single_label(truth, said, 4)
    present = sorted(set(truth.tolist()))
    expected = f1_score(truth, said, labels=present, average="macro", zero_division=0)
    assert result.macro_f1.value == pytest.approx(expected, abs=1e-9)
    assert result.acc.value == pytest.approx(accuracy_score(truth, said), abs=1e-9)
    assert result.confusion.sum() == len(pairs)


def test_a_class_without_images_is_not_in_the_macro():
    result = single_label(np.array([0, 0]), np.array([0, 0]), 2)
    assert result.macro_f1.value == 1.0
    assert result.recall[1] == Measure(None, "no images of this class")


def test_no_images_at_all():
    result = single_label(np.array([], dtype=int), np.array([], dtype=int), 2)
    assert result.acc == Measure(None, "no images")
    assert result.macro_f1.value is None


def test_macro_leaves_out_what_is_undefined():
    assert macro([Measure(0.5), Measure(None, "no positives"), Measure(1.0)]).value == 0.75
    assert macro([Measure(None, "no positives")]).reason == "undefined for every class"


@pytest.mark.parametrize(("value", "reason"), [(None, None), (0.5, "x"), (float("nan"), None)])
def test_a_measure_is_a_finite_value_or_a_reason(value, reason):
    with pytest.raises(ValueError, match="measure"):
        Measure(value, reason)


@pytest.mark.parametrize("metric", [average_precision, best_f1_threshold])
def test_scores_that_are_no_numbers_have_no_figure_even_without_negatives(metric):
    assert metric(np.ones(3, dtype=bool), np.full(3, np.nan)).value is None
