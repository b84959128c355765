"""Segmentation: what is counted, at which threshold, and that a UNet learns a square."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from medfilip_bench.datasets.labelled import IGNORED, INSIDE, OUTSIDE
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.learning import masks
from medfilip_bench.learning.keep import kept
from medfilip_bench.learning.loop import Best, Schedule
from medfilip_bench.learning.masks import (
    LEVELS,
    Counted,
    Segmented,
    _batches,
    _count,
    _target,
    masks_of,
    segment,
)
from medfilip_bench.learning.parts import parts_of
from torch import nn

PLAN = Schedule(steps=40, batch=8, lr=0.02, encoder_lr=0.02)


def learn(planted, backbone, **changes):
    data = planted({"train": 32, "valid": 10, "test": 12}, **changes)
    return data, segment(backbone(), data, parts_of(data), PLAN, seed=0, shown=[43, 44])


def test_it_learns_the_square_and_leaves_others_empty(planted, backbone):
    data, found = learn(planted, backbone)
    counts = found.test.at(found.valid.best())
    # The other class's square looks alike and is no part of the mask.
    assert counts.dice()[counts.positive].mean() > 0.7
    assert found.shown.shape == (2, 32, 32)
    truth = masks_of(data, data.rows("test"))
    np.testing.assert_array_equal(found.test.true, (truth == INSIDE).sum(axis=(1, 2)))
    # The last column is not judged: no answer has a pixel there.
    assert found.test.said.max() <= 32 * 31
    again = learn(planted, backbone)[1]
    np.testing.assert_array_equal(found.test.both, again.test.both)
    np.testing.assert_array_equal(found.shown, again.shown)


def test_pixels_that_are_not_judged_count_for_nothing(planted, backbone):
    data = planted({"train": 8, "valid": 4, "test": 4})
    hidden = replace(data, masks=np.full_like(np.asarray(data.masks), IGNORED))
    found = segment(backbone(), hidden, parts_of(data), replace(PLAN, steps=2), seed=0)
    assert not found.test.said.any()
    assert not found.test.true.any()


def test_pixels_that_are_not_judged_are_not_learnt_from():
    target = _target(np.array([[[INSIDE, OUTSIDE, IGNORED]]], np.uint8))
    assert target.tolist() == [[[1, 0, -1]]]


class Undecided(nn.Module):
    """A network whose answer is one half everywhere."""

    def __init__(self, backbone):
        super().__init__()
        self.encoder = nn.Identity()

    def forward(self, pixels):
        return torch.zeros(len(pixels), *pixels.shape[-2:])


def test_the_loss_is_entropy_and_dice_in_equal_parts(planted, backbone, monkeypatch):
    losses = []

    def fit(module, encoder, loss, judge, schedule):
        losses.append(loss(0).item())
        return Best(0, None)

    monkeypatch.setattr(masks, "UNet", Undecided)
    monkeypatch.setattr(masks, "fit", fit)
    data = planted({"train": 12, "valid": 4, "test": 4})
    segment(backbone(), data, parts_of(data), PLAN, seed=0)
    # Four of eight images have 64 pixels marked; the last column is not judged.
    pixels, judged, marked = 8 * 32 * 32, 8 * 32 * 31, 4 * 64
    entropy = np.log(2) * judged / pixels
    dice = 1 - 2 * (marked / 2) / (judged / 2 + marked)
    assert losses == pytest.approx([entropy + dice], rel=1e-5)


def test_the_validation_split_chooses_the_step(planted, backbone, monkeypatch):
    data = planted({"train": 8, "valid": 4, "test": 4})
    counted = []

    def count(model, data, rows, device):
        counted.append(list(rows))
        return _count(model, data, rows, device)

    monkeypatch.setattr(masks, "_count", count)
    segment(backbone(), data, parts_of(data), replace(PLAN, steps=4), seed=0)
    # Four times while it learns, and both splits at its end.
    assert counted == [data.rows("valid")] * 4 + [data.rows("test"), data.rows("valid")]


def test_the_best_threshold_has_the_best_mean_dice():
    true = np.array([10, 0])
    both = np.zeros((len(LEVELS), 2), dtype=np.int64)
    said = np.full((len(LEVELS), 2), 5)
    # At one level the first is found; at a higher one the second, too, is left empty.
    both[3, 0], said[3, 0] = 10, 10
    both[7, 0], said[7] = 10, (10, 0)
    both[9, 0], said[9] = 10, (10, 0)
    assert Counted(both, said, true).best() == 9
    np.testing.assert_allclose(Counted(both, said, true).at(9).dice(), [1, 1])


def test_an_empty_answer_is_not_the_best_where_the_finding_is_rare():
    true = np.array([10] + [0] * 19)
    said = np.zeros((len(LEVELS), 20), dtype=np.int64)
    both = np.zeros_like(said)
    # At one level the finding is found, and two of nineteen others are marked wrongly.
    both[5, 0], said[5, :3] = 10, (10, 4, 4)
    counts = Counted(both, said, true)
    assert counts.at(len(LEVELS) - 1).dice().mean() > counts.at(5).dice().mean()
    assert counts.best() == 5
    assert counts.score(5) == pytest.approx((1 + 17 / 19) / 2)


def test_half_of_a_batch_shows_a_rare_finding(planted):
    data = planted({"train": 12})
    turns = _batches(data, list(range(12)), 8, 0)
    for _ in range(5):
        rows = next(turns)
        assert sum(data.labels[row, 0] == 1 for row in rows) == 4
    # Where all images show it, all of the batch does.
    shows = [row for row in range(12) if data.labels[row, 0] == 1]
    assert len(next(_batches(data, shows, 8, 0))) == 8


def test_a_training_is_kept_and_read_back(tmp_path, monkeypatch):
    counts = Counted(np.ones((24, 3), np.int64), np.ones((24, 3), np.int64), np.ones(3, np.int64))
    made = Segmented(counts, counts, np.zeros((1, 4, 4), np.uint8), 7)
    calls = []

    def make():
        calls.append(1)
        return made.arrays()

    for _ in range(2):
        read = Segmented.read(kept(tmp_path, ["question", 1], make))
        assert read.step == 7
        np.testing.assert_array_equal(read.valid.said, counts.said)
    assert len(calls) == 1
    kept(tmp_path, ["question", 2], make)
    assert len(calls) == 2
    # Other code may train otherwise.
    monkeypatch.setattr("medfilip_bench.learning.keep.code_hash", lambda: "another")
    kept(tmp_path, ["question", 1], make)
    assert len(calls) == 3


def test_a_training_that_fails_leaves_nothing(tmp_path):
    def fail():
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        kept(tmp_path, "q", fail)
    assert not list(tmp_path.iterdir())


def test_a_set_without_masks_is_not_asked(labelled, backbone):
    data = labelled({"train": 4, "test": 2}, size=32)
    with pytest.raises(NotApplicableError, match="toy has no masks"):
        segment(backbone(), data, parts_of(data), PLAN, seed=0)


def test_what_lacks_a_part_is_not_asked(planted):
    with pytest.raises(NotApplicableError, match="split 'train' is empty"):
        parts_of(planted({"valid": 4, "test": 2}))
    with pytest.raises(NotApplicableError, match="split 'test' is empty"):
        parts_of(planted({"train": 4, "valid": 2}))
