"""Grounding: a model that looks at the right place, one that does not, and what needs no model."""

from dataclasses import replace

import numpy as np
import pytest
from medfilip_bench.datasets.labelled import Box
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.scoring import Resampling
from medfilip_bench.stats import interval, replicate, weighted_mean
from medfilip_bench.tasks import grounding
from medfilip_bench.tasks.pointing import METRICS, Cases, find_cases, table, trivial

# More images with a box than are looked at in one go.
COUNTS = {"train": 1, "valid": 15, "test": 45}


@pytest.fixture
def data(planted):
    return planted(COUNTS)


def perfect(data):
    """A model whose map is the boxes of each image."""

    def look(pixels, categories, kb):
        size, maps = 32, np.zeros((len(pixels), len(categories), 32, 32), np.float32)
        known = {
            np.asarray(p).tobytes(): s.id
            for p, s in zip(data.images.pixels, data.images.samples, strict=True)
        }
        for n, image in enumerate(pixels):
            for box in data.boxes[known[image.tobytes()]]:
                x, y, side = (round(v * size) for v in (box.x, box.y, box.width))
                maps[n, categories.index(box.category), y : y + side, x : x + side] = 1
        return maps

    return look


def looking(bench, heatmap, kind="attention"):
    loaded = replace(bench.encoder.loaded, heatmap=heatmap, heatmap_kind=kind)
    return replace(bench, encoder=replace(bench.encoder, loaded=loaded))


def test_a_map_that_is_the_boxes_is_perfect(bench, data):
    outcome = grounding.run(looking(bench, perfect(data)), data)
    assert outcome.metrics["pointing"].value == 1
    assert outcome.metrics["box_iou"].value == 1
    assert outcome.metrics["hit@0.5"].value == 1
    rows = {row.id: row for row in outcome.rows}
    with_mass = sum(data.labels[row, 0] == 1 for row in data.rows("test"))
    assert rows["mass"].positives == with_mass
    assert "Maps are the model's own: attention." in outcome.notes


def test_a_point_in_the_box_is_no_box(bench, data):
    """One pixel of each box's 64 is marked."""
    boxes = perfect(data)

    def corners(pixels, categories, kb):
        maps = boxes(pixels, categories, kb)
        first = maps.reshape(*maps.shape[:2], -1).argmax(axis=2)
        marked = np.arange(32 * 32) == first[..., None]
        return (marked & maps.any(axis=(2, 3))[..., None]).reshape(maps.shape).astype(float)

    metrics = grounding.run(looking(bench, corners), data).metrics
    assert metrics["pointing"].value == 1
    assert metrics["box_iou"].value == pytest.approx(1 / 64)
    assert metrics["hit@0.5"].value == 0


def test_the_middle_is_the_middle():
    (centre,) = trivial(9, 1)["centre"]
    assert np.unravel_index(centre.argmax(), centre.shape) == (4, 4)


def test_baselines_are_known_without_a_model(bench, data):
    rows = {row.id: row for row in grounding.run(looking(bench, perfect(data)), data).rows}
    # A box of a quarter of each side; looking everywhere alike finds the share that it covers.
    assert rows["chance"].metrics["pointing"].value == pytest.approx(1 / 16)
    assert rows["chance"].metrics["box_iou"].value == pytest.approx(1 / 16)
    # The middle of the image is in neither square.
    assert rows["centre"].metrics["pointing"].value == 0
    # All squares of a class lie in the same place.
    assert rows["mean-box"].metrics["box_iou"].value == 1


def test_the_mean_box_is_the_validation_splits(bench, data, monkeypatch):
    asked = []
    monkeypatch.setattr(grounding, "mean_maps", lambda _, rows, __: asked.append(list(rows)) or [])
    rows = {row.id for row in grounding.run(looking(bench, perfect(data)), data).rows}
    assert asked == [data.rows("valid")]
    assert "mean-box" not in rows


def test_occlusion_of_a_model_that_sees_points_at_the_squares(bench, data):
    outcome = grounding.run(bench, data)
    assert outcome.metrics["pointing"].value > 0.8
    assert any("occlusion" in note for note in outcome.notes)
    assert bench.encoder.encoded == 0
    blind = grounding.run(looking(bench, lambda p, c, _: np.zeros((len(p), len(c), 32, 32))), data)
    assert blind.metrics["pointing"].value == pytest.approx(1 / 16)


def test_intervals_rest_on_the_patients_of_each_class(data):
    """Eight images of four patients: the first class in six of three, the second in two of one."""
    groups, resampling = np.arange(8) // 2, Resampling(200, 0)
    values = np.random.default_rng(0).random((8, 2, len(METRICS)))
    values[6:, 0] = values[:6, 1] = np.nan
    (first, second), _ = table(values, Cases([], data.classes, {}, 32), groups, resampling)
    assert (first.positives, second.positives, first.n) == (6, 2, 8)
    drawn = replicate(
        lambda weights: {"mean": weighted_mean(values[:, 0, :1], weights)},
        groups,
        n_replicates=200,
    )
    three = interval(drawn["mean"][:, 0], 3)
    found = first.metrics["pointing"]
    assert (found.low, found.high) == pytest.approx((three.low, three.high))
    assert second.metrics["pointing"].reason == "no interval: rests on a single patient"


def test_few_images_are_taken_evenly_and_other_boxes_left_out(data):
    cases = find_cases(data, data.rows("test"), 4)
    assert len(cases.rows) == 4
    annotated = [r for r in data.rows("test") if data.labels[r].any()]
    assert (cases.rows[0], cases.rows[-1]) == (annotated[0], annotated[-1])
    strange = {s.id: (Box("hernia", 0.0, 0.0, 1.0, 1.0),) for s in data.images.samples}
    with pytest.raises(NotApplicableError, match="no judged image has a box"):
        find_cases(replace(data, boxes=strange), data.rows("test"), 4)
    with pytest.raises(NotApplicableError):
        find_cases(replace(data, boxes={}), data.rows("test"), 4)


def test_pictures_only_where_they_may_be_shown(bench, data):
    seeing = looking(bench, perfect(data))
    assert grounding.run(seeing, data).series.galleries == ()
    shown = grounding.run(seeing, replace(data, phantom=True)).series.galleries[0].rows[0].images
    assert len(shown) == 6
    assert all(image.right for image in shown)
    corner = np.pad(np.ones((1, 1)), (0, 31))
    astray = looking(bench, lambda p, c, _: np.tile(corner, (len(p), len(c), 1, 1)))
    shown = grounding.run(astray, replace(data, phantom=True)).series.galleries[0].rows[0].images
    assert not any(image.right for image in shown)
