"""Fine-tuning: it learns what can be seen, the same for a seed, and passes over what cannot."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from medfilip_bench.learning import classifier
from medfilip_bench.learning.classifier import Classifier, fine_tune
from medfilip_bench.learning.loop import Schedule
from medfilip_bench.learning.parts import parts_of
from medfilip_bench.learning.probe import fit_heads
from medfilip_bench.metrics.classification import auc

PLAN = Schedule(steps=12, batch=16, lr=0.01, encoder_lr=0.01, begun=True)
COUNTS = {"train": 48, "valid": 30, "test": 40}


@pytest.fixture
def data(planted):
    return planted(COUNTS)


def test_it_learns_what_images_show(data, backbone):
    tuned = fine_tune(backbone(), data, parts_of(data), PLAN, seed=0)
    truth = data.labels[data.rows("test")]
    for c in range(2):
        assert auc(truth[:, c] == 1, tuned.test[:, c]).value > 0.9
    assert tuned.valid.shape == (30, 2)


def test_the_same_seed_gives_the_same_numbers(data, backbone):
    parts = parts_of(data)
    first, again, other = (
        fine_tune(backbone(), data, parts, PLAN, seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.test, again.test)
    if first.step or other.step:
        assert not np.array_equal(first.test, other.test)


def test_a_class_without_positives_has_no_scores_and_the_others_do_not_mind(data, backbone):
    labels = data.labels.copy()
    labels[:, 1] = np.where(np.arange(len(labels)) % 2, 0, np.nan)
    less = replace(data, labels=labels)
    tuned = fine_tune(backbone(), less, parts_of(less), PLAN, seed=0)
    assert np.isnan(tuned.test[:, 1]).all()
    assert np.isfinite(tuned.test[:, 0]).all()
    none = replace(data, labels=np.zeros_like(labels))
    tuned = fine_tune(backbone(), none, parts_of(none), PLAN, seed=0)
    assert np.isnan(tuned.test).all()
    assert tuned.step == 0


@pytest.fixture
def unprobed(monkeypatch):
    """A head that begins at random: what is learnt is learnt by the loss alone."""
    monkeypatch.setattr(classifier, "_probe", lambda *_: None)


@pytest.mark.usefixtures("unprobed")
def test_a_closed_class_and_a_label_that_is_not_known_count_for_nothing(data, backbone):
    def scores(column, rows, value):
        labels = data.labels.copy()
        labels[rows, column] = value
        less = replace(data, labels=labels)
        return fine_tune(backbone(), less, parts_of(less), PLAN, seed=0).test[:, 0]

    train = data.rows("train")
    # No positive is left: whether the others are known makes no difference.
    np.testing.assert_array_equal(scores(1, train, 0), scores(1, train, np.nan))
    # In a class that is learnt, not known is not absent.
    some = [row for row in train if data.labels[row, 0] == 1][::2]
    assert not np.array_equal(scores(0, some, 0), scores(0, some, np.nan))


def test_images_are_moved_while_it_learns(data, backbone, monkeypatch):
    moved = []
    inner = classifier.jitter
    monkeypatch.setattr(
        classifier, "jitter", lambda images, turns: moved.append(1) or inner(images, turns)
    )
    fine_tune(backbone(), data, parts_of(data), PLAN, seed=0)
    assert len(moved) == PLAN.steps


def test_without_a_validation_split_the_last_step_is_kept(planted, backbone):
    data = planted({"train": 24, "test": 6})
    tuned = fine_tune(backbone(), data, parts_of(data), PLAN, seed=0)
    assert tuned.step == PLAN.steps
    assert tuned.valid.shape == (0, 2)


def test_it_begins_as_a_linear_probe(data, backbone):
    """Before the first step the logits are those of the heads that were fitted."""
    model = Classifier(backbone(), 2).eval()
    images = torch.from_numpy(np.array(data.images.pixels)).unsqueeze(1)
    with torch.no_grad():
        features = model.features(images).double().numpy()
        heads = fit_heads(features, data.labels, features, data.labels)
        model.begin(heads, features.mean(axis=0), features.std(axis=0) + 0.1)
        np.testing.assert_allclose(model(images).numpy(), heads(features), atol=1e-4)
