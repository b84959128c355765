"""Phantom sets hold what they promise; splits never mix; hashes see every change."""

from dataclasses import replace

import numpy as np
import pytest
from medfilip_bench.sets import FIRST_INDEX, PhantomSets, hash_images, hash_truth, split_rows
from medfilip_model.data import ImageSet, Sample
from medfilip_model.phantom import SEEN_CATEGORIES
from medfilip_model.progress import Silent


@pytest.fixture(scope="module")
def sets(cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDFILIP_CACHE", str(cache))
        made = PhantomSets(n=40, seed=0, size=32, listener=Silent())
        made.single(), made.multi("test"), made.multi("valid"), made.covid("test")
        yield made


def test_single_label_images_have_one_seen_class_or_none_all_as_often(sets):
    found = [[f.category for f in s.present] for s in sets.single().samples]
    assert all(len(categories) <= 1 for categories in found)
    counts = {c: found.count([c]) for c in SEEN_CATEGORIES} | {"normal": found.count([])}
    assert set(counts.values()) == {1}


def test_covid_is_half_of_its_set_and_nowhere_else(sets):
    covid = ["covid19" in {f.category for f in s.present} for s in sets.covid("test").samples]
    assert sum(covid) == len(covid) / 2 == 10
    for images in (sets.multi("test"), sets.multi("valid"), sets.single()):
        assert "covid19" not in {f.category for s in images.samples for f in s.present}


def test_no_phantom_is_in_two_sets_and_none_where_training_draws(sets):
    everything = [sets.multi("test"), sets.multi("valid"), sets.single(), sets.covid("test")]
    ids = [s.id for images in everything for s in images.samples]
    assert len(ids) == len(set(ids))
    assert min(int(i.removeprefix("phantom-")) for i in ids) >= min(FIRST_INDEX.values())
    assert len({s.patient_id for images in everything for s in images.samples}) == len(ids)


def test_reports_belong_to_their_images(sets):
    drawn = sets.reported("test")
    assert [r.id for r in drawn.reports] == [s.id for s in drawn.images.samples]
    assert all(r.findings and r.impression for r in drawn.reports)


class Counting(Silent):
    """Counts what it is told of."""

    def __init__(self):
        self.total = self.done = 0

    def start(self, what, total, unit):
        self.total += total

    def advance(self, steps):
        self.done += steps


def test_progress_ends_at_the_total_whether_drawn_or_cached(cache):
    for _ in range(2):
        listener = Counting()
        made = PhantomSets(n=24, seed=3, size=32, listener=listener)
        made.multi("test"), made.single()
        assert listener.done == listener.total == 24 + len(SEEN_CATEGORIES) + 1


def test_the_same_seed_draws_the_same_images_and_another_seed_others(sets):
    again = PhantomSets(n=40, seed=0, size=32, listener=Silent())
    other = PhantomSets(n=40, seed=1, size=32, listener=Silent())
    assert hash_truth(again.multi("test")) == hash_truth(sets.multi("test"))
    assert hash_truth(other.multi("test")) != hash_truth(sets.multi("test"))
    assert again.identity() == sets.identity() != other.identity()


def images(*splits):
    samples = tuple(Sample(f"i{n}", f"p{n}", split, ()) for n, split in enumerate(splits))
    return ImageSet("x", samples, np.zeros((len(splits), 4, 4), dtype=np.uint8))


@pytest.mark.parametrize(
    ("splits", "judge", "test", "valid"),
    [
        (("train", "valid", "test"), "test", [2], [1]),
        (("train", "test"), "test", [1], [0]),
        (("train", "valid"), "test", [1], [0]),
        (("train", "train"), "test", [0, 1], []),
        (("valid",), "test", [0], []),
        (("train", "valid", "test"), "all", [0, 2], [1]),
        (("train", "test"), "all", [0, 1], []),
    ],
)
def test_rows_that_are_judged_and_rows_for_thresholds(splits, judge, test, valid):
    rows = split_rows(images(*splits), judge)
    assert (rows.test, rows.valid) == (test, valid)
    assert ("no split is left" in rows.words) == (not valid)


def test_hashes_see_pixels_ids_and_labels():
    one = images("test", "test")
    moved = replace(one, pixels=one.pixels + 1)
    assert hash_images(moved) != hash_images(one)
    renamed = one.map(lambda s: replace(s, id=f"x{s.id}"))
    assert hash_images(renamed) != hash_images(one)
    unlabelled = one.map(lambda s: replace(s, findings=None))
    assert hash_images(unlabelled) == hash_images(one)
    assert hash_truth(unlabelled) != hash_truth(one)
