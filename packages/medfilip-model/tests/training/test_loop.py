import json
import os
import signal

import pytest
from iki_knowledge import KnowledgeBase
from medfilip_model.calibration import read_calibration
from medfilip_model.checkpoint import BEST, LAST, load_checkpoint
from medfilip_model.config import TrainConfig
from medfilip_model.data.samples import labels
from medfilip_model.encode import encode_images
from medfilip_model.prepare import prepare
from medfilip_model.progress import Silent
from medfilip_model.training import Preempted, train


def test_checkpoints_hold_the_calibration_of_their_own_weights(
    small: TrainConfig, kb: KnowledgeBase
):
    result = train(small.replace(epochs=2, keep=2, save_steps=3), kb=kb)
    data = prepare(small, kb, Silent())
    rows = list(data.valid)
    known = labels([data.images.samples[row] for row in rows], ["mass"], kb)[:, 0]
    centres = set()
    for place in (LAST, BEST, LAST.parent / "epoch-0001"):
        checkpoint = load_checkpoint(result.out / place)
        calibration = read_calibration(checkpoint.extra)
        assert calibration is not None
        assert calibration.images == len(rows)
        assert calibration.template == small.data.template
        assert set(calibration.classes.own) == {"mass", "pleural_effusion"}
        curve = calibration.classes.own["mass"]
        assert (curve.positives, curve.negatives) == ((known == 1).sum(), (known == 0).sum())
        # The mean image of these very weights.
        mean = encode_images(checkpoint.model, data.images.pixels[rows]).mean(dim=0)
        assert (
            max(abs(a - b) for a, b in zip(mean.tolist(), calibration.centre, strict=True)) < 1e-4
        )
        centres.add(calibration.centre)
    assert len(centres) == 2
    assert json.dumps(checkpoint.extra, allow_nan=False)


def test_inside_an_epoch_there_is_none(small: TrainConfig, kb: KnowledgeBase, listen):
    notes = listen({2: lambda: os.kill(os.getpid(), signal.SIGTERM)})
    with pytest.raises(Preempted):
        train(small, kb=kb, listener=notes)
    assert read_calibration(load_checkpoint(small.out).extra) is None
