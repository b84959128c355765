"""Two results folders made by hand: every kind of task, every refusal, and the correction."""

from dataclasses import replace

import numpy as np
import pytest
from medfilip_bench.compare import as_text, compare
from medfilip_bench.errors import ResultError
from medfilip_bench.predictions import Predictions
from medfilip_bench.results import (
    DataInfo,
    Estimate,
    ModelInfo,
    Provenance,
    Row,
    RunRecord,
)
from medfilip_bench.scoring import Resampling
from medfilip_bench.stats import delong, holm, mcnemar
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

FEW = Resampling(200, 0)
N = 120
CLASSES = ("mass", "effusion")
CUT = 0.5


def make_record(model, task, **changes):
    rows = tuple(
        Row(
            id=c,
            name=c.capitalize(),
            kind="class",
            n=N,
            metrics={},
            thresholds={"held-out": Estimate(value=CUT)},
        )
        for c in CLASSES
    )
    fields = {
        "task": task,
        "family": "zero_shot",
        "title": task,
        "about": "What it asks.",
        "key": "0",
        "phantom": task.endswith("-phantom"),
        "model": ModelInfo(name=model, spec=model, sha256="a", trained_on="nothing"),
        "data": DataInfo(name="toys", phantom=False, sha256="b", n=N, patients=N, split="test"),
        "metrics": {},
        "rows": rows,
        "provenance": Provenance(
            command="c",
            created="2026-11-20T10:00:00+00:00",
            duration_s=1,
            seed=0,
            replicates=200,
            profile="quick",
            versions={},
            machine={},
        ),
    }
    return RunRecord.model_validate(fields | changes)


def make_scores(skill, seed, patients=None):
    labels = (np.random.default_rng(0).random((N, 2)) < 0.4).astype(float)
    noise = np.random.default_rng(seed).normal(size=labels.shape)
    return Predictions(
        ids=[f"i{k}" for k in range(N)],
        patients=patients or [f"p{k}" for k in range(N)],
        classes=CLASSES,
        labels=labels,
        scores=skill * labels + noise,
    )


@pytest.fixture
def write(tmp_path):
    """Writes one task of one model; returns the model's folder."""

    def put(model, task, scores=None, **changes):
        folder = tmp_path / model
        make_record(model, task, **changes).write(folder / f"{task}.json")
        if scores is not None:
            scores.write(folder / f"{task}.npz")
        return folder

    return put


def found(comparison, **wanted):
    tests = [t for t in comparison.tests if all(getattr(t, k) == v for k, v in wanted.items())]
    assert len(tests) == 1, wanted
    return tests[0]


def test_several_findings_an_image(write):
    one, other = make_scores(2.0, 1), make_scores(0.3, 2)
    folders = write("good", "zero_shot-toys", one), write("poor", "zero_shot-toys", other)
    comparison = compare(*folders, FEW)
    assert (comparison.first, comparison.second) == ("good", "poor")
    for c, name in enumerate(CLASSES):
        truth = one.labels[:, c] == 1
        test = found(comparison, row=name, metric="auc")
        expected = delong(truth, one.scores[:, c], other.scores[:, c])
        assert test.method == "DeLong"
        assert test.name == name.capitalize()
        assert test.first == pytest.approx(roc_auc_score(truth, one.scores[:, c]))
        assert test.p == pytest.approx(expected.p)
        assert (test.low, test.high) == pytest.approx((expected.low, expected.high))
        said = [s.scores[:, c] >= CUT for s in (one, other)]
        test = found(comparison, row=name, metric="f1@held-out")
        assert test.first == pytest.approx(f1_score(truth, said[0]))
        assert test.difference == pytest.approx(f1_score(truth, said[0]) - f1_score(truth, said[1]))
        assert test.method == "paired bootstrap"
        assert test.low < test.difference < test.high
        test = found(comparison, row=name, metric="acc@held-out")
        assert test.second == pytest.approx(accuracy_score(truth, said[1]))
    overall = found(comparison, row="all", metric="auc")
    parts = [found(comparison, row=name, metric="auc").difference for name in CLASSES]
    assert overall.difference == pytest.approx(np.mean(parts))
    assert overall.p < 0.001
    assert comparison.made == 9
    assert [t.p_holm for t in comparison.tests] == list(holm([t.p for t in comparison.tests]))


def test_swapping_the_models_turns_every_sign(write):
    folders = [
        write(name, "zero_shot-toys", make_scores(skill, seed))
        for name, skill, seed in (("a", 1.0, 1), ("b", 0.5, 2))
    ]
    forth, back = compare(*folders, FEW), compare(*folders[::-1], FEW)
    for one, other in zip(forth.tests, back.tests, strict=True):
        assert one.difference == pytest.approx(-other.difference)
        assert (one.low, one.p_holm) == pytest.approx((-other.high, other.p_holm))


def test_several_images_a_patient_are_drawn_together(write):
    patients = [f"p{k % 30}" for k in range(N)]
    folders = [
        write(name, "zero_shot-toys", make_scores(skill, seed, patients))
        for name, skill, seed in (("a", 1.0, 1), ("b", 0.5, 2))
    ]
    comparison = compare(*folders, FEW)
    assert {t.method for t in comparison.tests} == {"paired bootstrap"}
    assert {t.patients for t in comparison.tests} == {30}


def test_one_class_an_image(write):
    generator = np.random.default_rng(0)
    truth = generator.integers(2, size=N)
    said = [np.where(generator.random(N) < right, truth, 1 - truth) for right in (0.9, 0.6)]
    folders = []
    for name, guess in zip(("good", "poor"), said, strict=True):
        scores = replace(
            make_scores(1.0, 1),
            labels=np.eye(2)[truth],
            scores=np.eye(2)[guess] + 0.01 * generator.random((N, 2)),
            predicted=guess,
        )
        folders.append(write(name, "zero_shot-single", scores))
    comparison = compare(*folders, FEW)
    test = found(comparison, metric="acc")
    assert test.method == "McNemar"
    assert test.p == pytest.approx(mcnemar(said[0] == truth, said[1] == truth))
    assert test.difference == pytest.approx(np.mean(said[0] == truth) - np.mean(said[1] == truth))
    assert test.low < test.difference < test.high
    f1 = [f1_score(truth, guess, average="macro") for guess in said]
    assert found(comparison, metric="macro_f1").difference == pytest.approx(f1[0] - f1[1])
    assert found(comparison, row="mass", metric="auc").method == "DeLong"


def test_measurements_of_images_are_compared_by_their_means(write):
    generator = np.random.default_rng(0)
    dice = generator.uniform(0.5, 0.9, size=(N, 2))
    dice[:40, 1] = np.nan
    folders = []
    for name, values in (("good", dice + 0.05), ("poor", dice)):
        scores = replace(
            make_scores(1.0, 1),
            classes=("dice", "dice_positive"),
            labels=np.full((N, 2), np.nan),
            scores=values,
        )
        folders.append(write(name, "segmentation-toys", scores))
    comparison = compare(*folders, FEW)
    for metric in ("dice", "dice_positive"):
        test = found(comparison, metric=metric)
        assert test.difference == pytest.approx(0.05)
        assert test.p == pytest.approx(0, abs=1e-9)
    assert test.first == pytest.approx(np.nanmean(dice[:, 1]) + 0.05)


def test_what_is_undefined_says_why_and_does_not_count(write):
    one = make_scores(1.0, 1)
    one.labels[:, 0] = 0
    lacking = replace(make_scores(1.0, 2), labels=one.labels)
    lacking.scores[:, 1] = np.nan
    folders = write("a", "zero_shot-toys", one), write("b", "zero_shot-toys", lacking)
    comparison = compare(*folders, FEW)
    assert found(comparison, row="mass", metric="auc").reason == "no positives"
    test = found(comparison, row="effusion", metric="auc")
    assert test.reason == "the model has no such class"
    assert test.first is not None
    assert (test.second, test.p_holm) == (None, None)
    assert comparison.made == sum(t.p is not None for t in comparison.tests) == 2
    # Without a threshold there is no decision.
    bare = [
        write(name, "zero_shot-toys", make_scores(1, k), rows=())
        for k, name in enumerate(("c", "d"))
    ]
    test = found(compare(*bare, FEW), row="mass", metric="f1@held-out")
    assert test.reason == "no threshold: the record has no held-out threshold"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ids": [f"j{k}" for k in range(N)]}, "other images: 120 and 120, 0 of them the same"),
        ({"classes": ("mass", "nodule")}, "other classes"),
        ({"patients": ["p"] * N}, "other patients"),
        ({"labels": np.ones((N, 2))}, "labels differ; run both models on the same version"),
        ({"predicted": np.zeros(N, dtype=np.int64)}, "one chooses a single class"),
    ],
)
def test_other_images_or_labels_are_refused_in_words(write, changes, words):
    other = replace(make_scores(1.0, 2), **changes)
    folders = write("a", "zero_shot-toys", make_scores(1.0, 1)), write("b", "zero_shot-toys", other)
    comparison = compare(*folders, FEW)
    assert comparison.tests == ()
    assert words in comparison.refused[0].reason
    assert words in as_text(comparison)


def test_missing_and_broken_scores_are_refused_and_other_tasks_go_on(write):
    for task in ("zero_shot-one", "zero_shot-two", "zero_shot-three"):
        for model, seed in (("a", 1), ("b", 2)):
            folder = write(model, task, make_scores(1.0, seed))
    (folder / "zero_shot-one.npz").unlink()
    (folder / "zero_shot-two.npz").write_bytes(b"nothing")
    comparison = compare(folder.parent / "a", folder, FEW)
    reasons = {r.task: r.reason for r in comparison.refused}
    assert reasons["zero_shot-one"] == "b keeps no scores of images"
    assert "cannot read predictions" in reasons["zero_shot-two"]
    assert {t.task for t in comparison.tests} == {"zero_shot-three"}


def test_folders_that_cannot_be_compared_are_one_line(write, tmp_path):
    folder = write("a", "zero_shot-toys", make_scores(1.0, 1))
    other = write("b", "zero_shot-others", make_scores(1.0, 1))
    with pytest.raises(ResultError, match="share no task"):
        compare(folder, other)
    with pytest.raises(ResultError, match="no results folder"):
        compare(folder, tmp_path / "none")
    with pytest.raises(ResultError, match=r"did you mean '.*/a'"):
        compare(tmp_path, folder)


def test_tasks_of_one_model_alone_are_named(write):
    for model, tasks in (("a", ("zero_shot-x", "zero_shot-y")), ("b", ("zero_shot-x",))):
        for task in tasks:
            folder = write(model, task, make_scores(1.0, 1))
    comparison = compare(folder.parent / "a", folder, FEW)
    assert comparison.only_first == ("zero_shot-y",)
    assert comparison.only_second == ()
    assert "only a: zero_shot-y" in as_text(comparison)
    # The same scores: nothing differs.
    assert {t.p for t in comparison.tests} == {1.0}


def test_the_text_shows_every_test_and_what_stands(write):
    folders = [
        write(name, "zero_shot-toys-phantom", make_scores(skill, seed))
        for name, skill, seed in (("good", 3.0, 1), ("poor", 0.0, 2))
    ]
    comparison = compare(*folders, FEW)
    text = as_text(comparison)
    assert "difference = first − second" in text
    lines = [line for line in text.splitlines() if line.startswith("zero_shot-toys-phantom")]
    assert len(lines) == len(comparison.tests) == 9
    assert "Effusion" in text
    assert "<0.001" in text
    standing = sum(t.p_holm <= 0.05 for t in comparison.tests)
    assert f"9 tests, {standing} with a corrected p" in text
    assert {t.phantom for t in comparison.tests} == {True}
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_a_comparison_is_json_and_back(write):
    folders = [write(n, "zero_shot-toys", make_scores(1.0, k)) for k, n in enumerate("ab")]
    comparison = compare(*folders, FEW)
    assert type(comparison).model_validate_json(comparison.model_dump_json()) == comparison
