"""The linear probe: same labels for all, each image encoded once, gaps named."""

from dataclasses import replace

import numpy as np
import pytest
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.learning.draw import draw_rows
from medfilip_bench.learning.parts import parts_of
from medfilip_bench.learning.shares import Learned
from medfilip_bench.scoring import ClassName
from medfilip_bench.tasks import probe

COUNTS = {"train": 60, "valid": 30, "test": 40}


@pytest.fixture
def done(bench, planted):
    data = planted(COUNTS)
    return bench, data, probe.run(bench, data)


def by_id(outcome):
    return {row.id: row for row in outcome.rows}


def test_a_model_that_sees_is_told_from_one_that_does_not(done):
    _, data, outcome = done
    rows = by_id(outcome)
    assert outcome.metrics.keys() == {"auc@0.1", "auc@1.0"}
    assert outcome.metrics["auc@1.0"].value > 0.99
    assert rows["blocks@1.0"].metrics == {
        **rows["blocks@1.0"].metrics,
        **{"auc": outcome.metrics["auc@1.0"]},
    }
    assert 0.2 < rows["other@1.0"].metrics["auc"].value < 0.8
    assert rows["other@1.0"].of == "other"
    assert {row.kind for row in outcome.rows} == {"share", "class", "baseline"}
    assert {r.id for r in outcome.rows if r.kind == "baseline"} == {
        "all-negative",
        "prevalence",
        "random model",
    }
    assert {r.of for r in outcome.rows if r.kind == "class"} == {"blocks"}
    assert rows["mass@0.1"].positives == int((data.labels[data.rows("test"), 0] == 1).sum())
    assert [line.name for line in outcome.series.curves["auc"]] == ["blocks", "other"]
    assert [point.x for point in outcome.series.curves["auc"][0].points] == [0.1, 1.0]


def test_each_image_is_encoded_once(done):
    bench, data, _ = done
    assert bench.encoder.encoded == bench.encoder.needed == len(data.labels)
    probe.run(bench, data)
    assert bench.encoder.encoded == len(data.labels)


def test_seeds_are_averaged_and_their_spread_is_told(done):
    row = by_id(done[2])["other@0.1"]
    assert row.seeds == 2
    assert row.spread["auc"] > 0
    assert by_id(done[2])["other@1.0"].spread["auc"] == 0


def test_predictions_are_those_of_all_labels(done):
    _, data, outcome = done
    kept = outcome.predictions
    assert kept.ids == [data.images.samples[row].id for row in data.rows("test")]
    assert kept.classes == ["mass", "pleural_effusion"]
    assert (
        kept.scores[kept.labels[:, 0] == 1, 0].min() > kept.scores[kept.labels[:, 0] == 0, 0].max()
    )


def test_the_scores_that_are_kept_are_of_most_labels_and_the_mean_over_seeds(done):
    bench, data, outcome = done
    parts = parts_of(data)
    features = probe.Embedded.of(bench.encoder, data, parts)
    most = probe.learn(features, data, parts, 1.0, (0,)).test[0]
    np.testing.assert_array_equal(outcome.predictions.scores, most)
    names = [ClassName(c.id, c.name) for c in data.classes]
    seeds = np.stack([most, most + 2])
    kept = probe.predictions(data, parts, names, Learned(seeds, seeds, (None, None)))
    np.testing.assert_allclose(kept.scores, most + 1)


def test_the_validation_split_and_not_the_test_split_chooses(bench, planted, monkeypatch):
    data = planted(COUNTS)
    parts = parts_of(data)
    features = probe.Embedded.of(bench.encoder, data, parts)
    asked = []
    inner = probe.fit_heads

    def fit(*given):
        asked.append(given)
        return inner(*given)

    monkeypatch.setattr(probe, "fit_heads", fit)
    probe.learn(features, data, parts, 0.5, (0,))
    ((own, labels, valid, truth),) = asked
    rows = draw_rows(data, parts.train, 0.5, 0)
    first = parts.train[0]
    np.testing.assert_array_equal(own, features.train[[row - first for row in rows]])
    np.testing.assert_array_equal(labels, data.labels[rows])
    np.testing.assert_array_equal(valid, features.valid)
    np.testing.assert_array_equal(truth, data.labels[parts.valid])


def test_a_class_that_no_label_shows_is_null_with_its_reason(bench, planted):
    data = planted(COUNTS)
    labels = data.labels.copy()
    labels[data.rows("train"), 1] = 0
    outcome = probe.run(bench, replace(data, labels=labels, key="less"))
    row = by_id(outcome)["pleural_effusion@1.0"]
    assert row.metrics["auc"].value is None
    assert row.metrics["auc"].reason == "no positives among 60 training labels"
    assert by_id(outcome)["blocks@1.0"].metrics["auc"].value > 0.99
    labels[data.rows("train"), 0] = 0
    outcome = probe.run(bench, replace(data, labels=labels, key="none"))
    assert outcome.metrics["auc@1.0"].reason == "no positives among 60 training labels"
    assert all(not lines for lines in outcome.series.curves.values())


def test_one_seed_without_positives_closes_the_class_for_all():
    scores = [np.ones((3, 2)), np.zeros((3, 2))]
    joined = Learned.of(scores, scores, [(None, None), (None, "no positives among 4 labels")])
    assert joined.reasons == (None, "no positives among 4 labels")
    assert np.isnan(joined.test[:, :, 1]).all()
    np.testing.assert_array_equal(joined.test[:, 0, 0], [1, 0])


def test_what_has_no_training_images_is_not_asked(bench, planted):
    with pytest.raises(NotApplicableError, match="toy: no image to learn from"):
        probe.run(bench, planted({"valid": 5, "test": 9}))


def test_without_a_validation_split_held_out_figures_are_null(bench, planted):
    outcome = probe.run(bench, planted({"train": 40, "test": 30}))
    metrics = by_id(outcome)["blocks@1.0"].metrics
    assert metrics["f1@held-out"].value is None
    assert metrics["auc"].value > 0.99
