"""Segmentation: rows by start and share, the empty answer, pictures where they may be shown."""

import base64
import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from iki_knowledge import load_knowledge
from medfilip_bench.datasets import READERS
from medfilip_bench.datasets.labelled import INSIDE
from medfilip_bench.datasets.reader import ReadOptions
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.learning.initial import RANDOM
from medfilip_bench.learning.loop import seeded
from medfilip_bench.learning.masks import LEVELS, Counted, Segmented, segment
from medfilip_bench.learning.parts import parts_of
from medfilip_bench.models.backbones import run_backbone
from medfilip_bench.profiles import PROFILES
from medfilip_bench.tasks import segmentation
from medfilip_model import recipes
from medfilip_model.model import MedFILIP
from PIL import Image

COUNTS = {"train": 16, "valid": 8, "test": 12}


def test_rows_baseline_and_gain(bench, planted, monkeypatch):
    data = planted(COUNTS)
    learnt = []

    def count(backbone, data, parts, *args, **kwargs):
        learnt.append(len(parts.train))
        return segment(backbone, data, parts, *args, **kwargs)

    monkeypatch.setattr(segmentation, "segment", count)
    outcome = segmentation.run(bench, data)
    rows = {row.id: row for row in outcome.rows}
    assert set(rows) == {f"{of}@{s}" for of in ("blocks", RANDOM) for s in (0.1, 1.0)} | {
        "all-empty"
    }
    empty = (np.asarray(data.masks)[data.rows("test")] == INSIDE).any(axis=(1, 2))
    assert rows["all-empty"].metrics["dice"].value == pytest.approx(1 - empty.mean())
    assert rows["all-empty"].metrics["dice_positive"].value == 0
    own, random = rows["blocks@1.0"].metrics, rows[f"{RANDOM}@1.0"].metrics
    assert own["dice"] == own["dice@held-out"]
    assert own["dice@paper"].value >= own["dice@held-out"].value
    assert own["dice_gain"].value == pytest.approx(own["dice"].value - random["dice"].value)
    assert outcome.metrics["dice@1.0"] == own["dice"]
    assert rows["blocks@1.0"].positives == empty.sum()
    assert len(list((bench.work / "trained").iterdir())) == 8
    # A tenth of 16 patients and all of them, by two seeds, from two starts.
    assert sorted(learnt) == [2] * 4 + [16] * 4
    assert segmentation.run(bench, data).rows == outcome.rows


def test_pictures_of_patients_are_left_out_unless_they_may_be_shown(bench, planted):
    data = planted(COUNTS)
    assert segmentation.run(bench, data).series.galleries == ()
    gallery = segmentation.run(replace(bench, pictures=True), data).series.galleries[0]
    shown = gallery.rows[0].images
    # Images with a mask are shown where there are any.
    assert 1 <= len(shown) <= 6
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown[0].png))))
    assert image.shape == (32, 32, 3)


def test_only_rows_with_a_mask_play_a_part(bench, planted):
    data = planted(COUNTS)
    masked = tuple(range(0, 36, 2))
    outcome = segmentation.run(bench, replace(data, masked=masked, key="half"))
    assert outcome.data.n == 6
    with pytest.raises(NotApplicableError, match="no image to learn from"):
        segmentation.run(bench, replace(data, masked=(30, 31)))


def test_the_held_out_threshold_is_the_validation_splits():
    def counted(best):
        """One image, found whole at one threshold and half at the others."""
        both = np.full((len(LEVELS), 1), 5)
        both[best] = 10
        return Counted(both, both, np.array([10]))

    found = Segmented(counted(3), counted(7), np.zeros((0, 8, 8), np.uint8), 0)
    assert segmentation._levels(found) == {"paper": 3, "held-out": 7}


def test_without_a_validation_split_only_the_papers_threshold_is_there(bench, planted):
    outcome = segmentation.run(bench, planted({"train": 16, "test": 12}))
    metrics = outcome.rows[0].metrics
    assert "dice@held-out" not in metrics
    assert metrics["dice"] == metrics["dice@paper"]


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif("MEDFILIP_DATA" not in os.environ, reason="MEDFILIP_DATA names no real data")
def test_lungs_of_real_children_are_marked_in_the_quick_profile():
    """Even from random weights; the model's own are measured by the task."""
    folder = Path(os.environ["MEDFILIP_DATA"]) / "kermany_320"
    options = ReadOptions(kb=load_knowledge(), size=96, masks=True)
    data = READERS["kermany"].read(folder, options)
    parts = parts_of(data, data.masked)
    with seeded(0):
        encoder = run_backbone(MedFILIP(recipes.phantom().model))
    plan = segmentation.schedule(PROFILES["quick"])
    found = segment(encoder, data, parts, plan, seed=0)
    assert found.test.at(found.valid.best()).dice().mean() >= 0.93
