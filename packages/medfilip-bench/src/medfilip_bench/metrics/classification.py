"""Classification metrics: pure numpy, one class at a time, plus the single-label case.

Axes: N images, C classes. A prediction is positive where ``score >= threshold``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from medfilip_bench.metrics.measure import Measure, macro

Labels = Bool[np.ndarray, " N"]
Scores = Float[np.ndarray, " N"]
# A supervised model knows a fixed list of classes; of any other it says NaN throughout.
NO_CLASS = "the model has no such class"


@dataclass(frozen=True)
class Counts:
    """The four cells of a binary confusion matrix."""

    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True)
class SingleLabel:
    """What a single-label prediction is worth.

    Attributes:
        confusion: Images by true class (rows) and predicted class (columns), [C, C].
        acc: Share of images whose class is right.
        macro_f1: Mean F1 over the classes that have images.
        f1: F1 of each class.
        recall: Share of each class's images that are found.
        precision: Share of each class's predictions that are right.
    """

    confusion: Int[np.ndarray, "C C"]
    acc: Measure
    macro_f1: Measure
    f1: tuple[Measure, ...]
    recall: tuple[Measure, ...]
    precision: tuple[Measure, ...]


def one_sided(labels: Labels) -> str | None:
    """Return why a ranking metric is undefined for these labels, or None if it is defined."""
    if labels.size == 0:
        return "no images"
    if not labels.any():
        return "no positives"
    if labels.all():
        return "no negatives"
    return None


def unusable(scores: Scores) -> str | None:
    """Return why scores cannot be ranked (not finite), or None if they can."""
    if scores.size and np.isnan(scores).all():
        return NO_CLASS
    wrong = int(np.count_nonzero(~np.isfinite(scores)))
    return f"{wrong} of {scores.size} scores are not finite" if wrong else None


def auc(labels: Labels, scores: Scores) -> Measure:
    """Area under the ROC curve; ties count one half.

    Args:
        labels: Truth, [N].
        scores: Higher means more likely, [N].
    """
    reason = one_sided(labels) or unusable(scores)
    if reason:
        return Measure.undefined(reason)
    return Measure(float(roc_auc_score(labels, scores)))


def average_precision(labels: Labels, scores: Scores) -> Measure:
    """Average precision: the precision at each threshold, weighted by the recall it adds.

    Args:
        labels: Truth, [N].
        scores: Higher means more likely, [N].
    """
    reason = unusable(scores) or one_sided(labels)
    if reason == "no negatives":
        return Measure(1.0)
    if reason:
        return Measure.undefined(reason)
    return Measure(float(average_precision_score(labels, scores)))


def best_f1_threshold(labels: Labels, scores: Scores) -> Measure:
    """Return the threshold that maximises F1; among equals the highest one.

    This is the paper's choice of threshold (MedFILIP, zero-shot tables), which it makes on the
    test set itself.

    Args:
        labels: Truth, [N].
        scores: Higher means more likely, [N].
    """
    reason = unusable(scores) or one_sided(labels)
    if reason and reason != "no negatives":
        return Measure.undefined(reason)
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    # The last point of the curve has no threshold; thresholds ascend, so the last best is highest.
    best = np.flatnonzero(f1[:-1] >= f1[:-1].max() - 1e-12)[-1]
    return Measure(float(thresholds[best]))


def count(labels: Labels, predictions: Labels) -> Counts:
    """Return the confusion counts of binary predictions.

    Args:
        labels: Truth, [N].
        predictions: Decisions, [N].
    """
    tp = int(np.count_nonzero(labels & predictions))
    fp = int(np.count_nonzero(~labels & predictions))
    fn = int(np.count_nonzero(labels & ~predictions))
    return Counts(tp=tp, fp=fp, fn=fn, tn=labels.size - tp - fp - fn)


def decisions(counts: Counts) -> dict[str, Measure]:
    """Return F1, ACC and MCC of binary decisions.

    F1 = 2TP / (2TP + FP + FN) is undefined without positives; MCC is undefined when truth or
    decisions hold one value only (scikit-learn says 0 there, which reads like a measured zero).

    Args:
        counts: The confusion counts.
    """
    tp, fp, fn, tn = counts.tp, counts.fp, counts.fn, counts.tn
    n = tp + fp + fn + tn
    if n == 0:
        nothing = Measure.undefined("no images")
        return {"f1": nothing, "acc": nothing, "mcc": nothing}
    f1 = Measure(2 * tp / (2 * tp + fp + fn)) if tp + fn else Measure.undefined("no positives")
    return {"f1": f1, "acc": Measure((tp + tn) / n), "mcc": _mcc(counts)}


def _mcc(counts: Counts) -> Measure:
    """Return Matthews' correlation, or why it is undefined."""
    tp, fp, fn, tn = counts.tp, counts.fp, counts.fn, counts.tn
    if tp + fn == 0 or fp + tn == 0:
        return Measure.undefined("no positives" if tp + fn == 0 else "no negatives")
    if tp + fp == 0 or fn + tn == 0:
        return Measure.undefined("every prediction is the same")
    # Square roots apart: the product of four counts can leave the range of exact floats.
    scale = sqrt(tp + fp) * sqrt(tp + fn) * sqrt(tn + fp) * sqrt(tn + fn)
    return Measure((tp * tn - fp * fn) / scale)


def roc_points(labels: Labels, scores: Scores, limit: int = 101) -> tuple[tuple[float, float], ...]:
    """Return (false positive rate, true positive rate) points of the ROC curve for a plot.

    Args:
        labels: Truth, [N].
        scores: Higher means more likely, [N].
        limit: Most points kept; the curve is thinned evenly along its length.
    """
    if one_sided(labels) or unusable(scores):
        return ()
    fpr, tpr, _ = roc_curve(labels, scores)
    return _thinned(fpr, tpr, limit)


def pr_points(labels: Labels, scores: Scores, limit: int = 101) -> tuple[tuple[float, float], ...]:
    """Return (recall, precision) points of the precision-recall curve for a plot.

    Args:
        labels: Truth, [N].
        scores: Higher means more likely, [N].
        limit: Most points kept; the curve is thinned evenly along its length.
    """
    if one_sided(labels) or unusable(scores):
        return ()
    precision, recall, _ = precision_recall_curve(labels, scores, drop_intermediate=True)
    return _thinned(recall[::-1], precision[::-1], limit)


def _thinned(
    x: Float[np.ndarray, " K"], y: Float[np.ndarray, " K"], limit: int
) -> tuple[tuple[float, float], ...]:
    """Return at most `limit` points of a curve, both ends among them."""
    if x.size > limit:
        kept = np.unique(np.linspace(0, x.size - 1, limit).round().astype(int))
        x, y = x[kept], y[kept]
    return tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))


def single_label(
    labels: Int[np.ndarray, " N"], predictions: Int[np.ndarray, " N"], n_classes: int
) -> SingleLabel:
    """Score predictions of exactly one class an image.

    Args:
        labels: True class of each image, [N], 0 ≤ label < n_classes.
        predictions: Predicted class, [N].
        n_classes: Number of classes C.
    """
    matrix = (
        np.asarray(confusion_matrix(labels, predictions, labels=range(n_classes)), dtype=np.int64)
        if labels.size
        else np.zeros((n_classes, n_classes), dtype=np.int64)
    )
    hits, true, said = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    f1 = _ratios(2 * hits, true + said, "no images and no predictions of this class")
    recall = _ratios(hits, true, "no images of this class")
    supported = [m for m, n in zip(f1, true, strict=True) if n]
    n = int(matrix.sum())
    return SingleLabel(
        confusion=matrix,
        acc=Measure(int(hits.sum()) / n) if n else Measure.undefined("no images"),
        macro_f1=macro(supported),
        f1=f1,
        recall=recall,
        precision=_ratios(hits, said, "this class is never predicted"),
    )


def _ratios(
    top: Int[np.ndarray, " C"], bottom: Int[np.ndarray, " C"], reason: str
) -> tuple[Measure, ...]:
    """Return top / bottom per class, undefined for `reason` where bottom is zero."""
    pairs: Sequence[tuple[int, int]] = list(zip(top.tolist(), bottom.tolist(), strict=True))
    return tuple(Measure(t / b) if b else Measure.undefined(reason) for t, b in pairs)
