"""Real films, where MEDFILIP_DATA has them: layouts, boxes, masks, and what two sets share."""

import os
from pathlib import Path

import numpy as np
import pytest
from medfilip_bench.datasets import find, read
from medfilip_bench.datasets.check import inventory, state
from medfilip_bench.datasets.leakage import shared_images, warnings
from medfilip_bench.datasets.perceptual import LIMIT, near_duplicates, perceptual_hash

ROOT = Path(os.environ.get("MEDFILIP_DATA", "missing"))
SETS = ("kermany", "nih_cxr14_320", "nih_cxr14_64")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not all((ROOT / name).is_dir() for name in ("kermany_320", *SETS[1:])),
        reason="MEDFILIP_DATA does not hold kermany_320, nih_cxr14_320 and nih_cxr14_64",
    ),
]


@pytest.fixture(scope="module")
def sets(cache, kb):
    from medfilip_bench.datasets.reader import ReadOptions

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDFILIP_CACHE", str(cache))
        options = ReadOptions(kb, size=64, masks=True, workers=2)
        yield {name: read(name, ROOT, options) for name in SETS}


def test_what_is_there_is_found_and_nothing_is_wrong():
    assert {reader.card.id for reader, _ in find(ROOT)} >= set(SETS)
    stock = {entry.card.id: entry for entry in inventory(ROOT)}
    assert {state(stock[name]) for name in SETS} == {"can be read"}


def test_every_image_is_read_and_no_patient_is_in_two_splits(sets):
    for data in sets.values():
        assert not data.images.skipped
        assert all(data.rows(split) for split in ("train", "valid", "test"))
        pixels = data.images.pixels[np.array(data.rows("test")[:50])]
        assert pixels.std(axis=(1, 2)).min() > 5
    assert "in the test split too" in sets["kermany"].notes[0]


def test_lungs_are_darker_than_what_surrounds_them(sets):
    data = sets["kermany"]
    rows = np.array(data.masked)
    lungs, pixels = data.masks[rows] == 255, data.images.pixels[rows].astype(float)
    share = lungs.mean(axis=(1, 2))
    assert 0.1 < np.quantile(share, 0.01) < np.quantile(share, 0.99) < 0.6
    inside = (pixels * lungs).sum(axis=(1, 2)) / lungs.sum(axis=(1, 2))
    beside = (pixels * ~lungs).sum(axis=(1, 2)) / (~lungs).sum(axis=(1, 2))
    assert (inside < beside).mean() > 0.75


def test_boxes_lie_in_the_image_and_hold_what_the_labels_say(sets):
    data = sets["nih_cxr14_320"]
    row = {s.id: n for n, s in enumerate(data.images.samples)}
    column = {c.category: k for k, c in enumerate(data.classes)}
    assert sum(map(len, data.boxes.values())) == 37
    for name, boxes in data.boxes.items():
        for box in boxes:
            assert data.labels[row[name], column[box.category]] == 1
            assert box.x >= 0
            assert box.x + box.width <= 1 + 1e-9
            assert box.y + box.height <= 1 + 1e-9


def test_shared_films_are_found_and_no_other_pair_is(sets):
    """Films of different patients look alike: none of them may count as the same."""
    hashes = {k: perceptual_hash(np.asarray(d.images.pixels[:])) for k, d in sets.items()}
    nearest = []
    for a in SETS:
        for b in SETS[SETS.index(a) :]:
            mine, theirs = np.array(sets[a].patients), np.array(sets[b].patients)
            pairs = near_duplicates(hashes[a], hashes[b], 60)
            other = mine[pairs[:, 0]] != theirs[pairs[:, 1]]
            nearest.append(pairs[other, 2].min(initial=60))
    assert min(nearest) > LIMIT + 8, nearest
    pairs = near_duplicates(hashes["nih_cxr14_320"], hashes["nih_cxr14_64"])
    ids = [[s.id for s in sets[name].images.samples] for name in ("nih_cxr14_320", "nih_cxr14_64")]
    assert {ids[0][i] for i in pairs[:, 0]} == set(ids[0]) & set(ids[1])
    assert all(ids[0][i] == ids[1][j] for i, j, _ in pairs)


def test_what_two_sets_share_is_told_and_no_test_image_trains_the_other(sets):
    (line,) = shared_images(sets["nih_cxr14_320"], sets["nih_cxr14_64"])
    assert line.startswith("2 of 117 test images look the same as an image of nih_cxr14_64, test")
    # The official split is by patient, and both sets keep it.
    assert warnings(sets["nih_cxr14_320"], [sets["nih_cxr14_64"]]) == ()
    assert shared_images(sets["kermany"], sets["nih_cxr14_64"]) == ()
