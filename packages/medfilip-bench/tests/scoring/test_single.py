"""One class an image: by hand, by scikit-learn, and with a class that the model lacks."""

import numpy as np
import pytest
from medfilip_bench.scoring import ClassName, Resampling, chosen, score_single
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, roc_auc_score

NAMES = [ClassName(name, name.capitalize(), f"a {name}") for name in ("mass", "nodule", "normal")]
FEW = Resampling(60, 0)


def make(seed=0, n=90):
    generator = np.random.default_rng(seed)
    truth = generator.integers(3, size=n)
    return truth, 1.5 * np.eye(3)[truth] + generator.normal(size=(n, 3))


def test_equal_to_scikit_learn():
    truth, scores = make()
    said = scores.argmax(axis=1)
    result = score_single(NAMES, truth, scores, range(90), FEW)
    assert (result.predicted == said).all()
    assert result.overall["acc"].value == pytest.approx(accuracy_score(truth, said), abs=1e-9)
    expected = f1_score(truth, said, average="macro")
    assert result.overall["macro_f1"].value == pytest.approx(expected, abs=1e-9)
    areas = [roc_auc_score(truth == c, scores[:, c]) for c in range(3)]
    assert result.overall["auc"].value == pytest.approx(np.mean(areas), abs=1e-9)
    assert np.array_equal(result.confusion, confusion_matrix(truth, said))
    for c, row in enumerate(result.rows):
        assert (row.id, row.text, row.positives, row.n) == (
            NAMES[c].id,
            NAMES[c].text,
            (truth == c).sum(),
            90,
        )
        assert row.metrics["auc"].value == pytest.approx(areas[c], abs=1e-9)
    for estimate in (*result.overall.values(), *result.rows[0].metrics.values()):
        assert estimate.low <= estimate.value <= estimate.high


def test_a_class_that_the_model_lacks_is_never_chosen_and_counts_as_wrong():
    truth, scores = make()
    scores[:, 1] = np.nan
    result = score_single(NAMES, truth, scores, range(90), FEW)
    assert set(result.predicted.tolist()) == {0, 2}
    assert {m.reason for m in result.rows[1].metrics.values()} == {"the model has no such class"}
    assert result.overall["acc"].value == accuracy_score(truth, chosen(scores))
    f1 = f1_score(truth, chosen(scores), average=None)
    assert result.overall["macro_f1"].value == pytest.approx((f1[0] + f1[2]) / 2, abs=1e-9)


def test_a_model_without_any_of_the_classes_is_null_throughout():
    truth, scores = make(n=12)
    result = score_single(NAMES, truth, np.full_like(scores, np.nan), range(12), FEW)
    assert result.overall["acc"].reason == "the model has no such class"
    assert result.overall["macro_f1"].value is None


def test_a_class_without_images_is_not_in_the_macro():
    truth, scores = make(n=30)
    truth[truth == 1] = 0
    assert (chosen(scores) == 1).any()
    result = score_single(NAMES, truth, scores, range(30), FEW)
    assert result.rows[1].metrics["recall"].reason == "no images of this class"
    f1 = f1_score(truth, chosen(scores), labels=[0, 2], average="macro")
    assert result.overall["macro_f1"].value == pytest.approx(f1, abs=1e-9)


def test_patients_are_drawn_whole():
    truth, scores = make(n=30)
    many = [
        np.tile(part, 4) if part.ndim == 1 else np.tile(part, (4, 1)) for part in (truth, scores)
    ]
    whole = score_single(NAMES, *many, [k % 30 for k in range(120)], FEW).overall["acc"]
    apart = score_single(NAMES, *many, range(120), FEW).overall["acc"]
    assert whole.high - whole.low > 1.5 * (apart.high - apart.low)
