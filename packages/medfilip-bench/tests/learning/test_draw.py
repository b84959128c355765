"""Draws of patients: nested, whole, the same for a seed, with each class where there is room."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medfilip_bench.learning.draw import draw_rows, unlearnable
from medfilip_model.data import ImageSet, Sample

SHARES = st.sampled_from([0.01, 0.1, 0.25, 0.5, 1.0])


def images(patients):
    samples = tuple(Sample(f"i{n}", p, "train", ()) for n, p in enumerate(patients))
    return ImageSet("toys", samples, np.zeros((len(samples), 8, 8), np.uint8))


@pytest.fixture
def of(labelled):
    """Patients and labels -> a set whose images are all of the training split."""

    def make(patients, labels):
        return labelled(
            {"train": len(patients)}, images=images(patients), labels=np.array(labels, dtype=float)
        )

    return make


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    owners=st.lists(st.integers(0, 8), min_size=1, max_size=40),
    share=SHARES,
    seed=st.integers(0, 9),
)
def test_whole_patients_are_drawn_and_smaller_shares_are_part_of_larger(of, owners, share, seed):
    labels = np.random.default_rng(seed).choice([0, 1, np.nan], (len(owners), 2))
    data = of([f"p{o}" for o in owners], labels)
    rows = list(range(len(owners)))
    drawn = draw_rows(data, rows, share, seed)
    whose = {data.patients[r] for r in drawn}
    assert drawn == [r for r in rows if data.patients[r] in whose]
    assert len(whose) == max(1, round(share * len(set(data.patients))))
    if share <= 0.5:
        assert set(drawn) <= set(draw_rows(data, rows, 0.5, seed))
    assert drawn == draw_rows(data, rows, share, seed)


def test_a_small_share_begins_with_who_shows_and_who_lacks_each_class(of):
    # Two of a hundred show the first class, three lack the second.
    labels = np.zeros((100, 2))
    labels[[7, 50], 0] = 1
    labels[:, 1] = 1
    labels[[3, 20, 90], 1] = 0
    data = of([f"p{n}" for n in range(100)], labels)
    for seed in range(20):
        drawn = draw_rows(data, range(100), 0.04, seed)
        assert len(drawn) == 4
        assert unlearnable(labels[drawn]) == (None, None)


def test_where_there_is_no_room_for_all_the_rarest_class_comes_first(of):
    labels = np.zeros((100, 2))
    labels[::2, 0] = 1
    labels[[7, 50], 1] = 1
    data = of([f"p{n}" for n in range(100)], labels)
    for seed in range(10):
        drawn = draw_rows(data, range(100), 0.02, seed)
        assert sorted(labels[drawn, 1]) == [0, 1]


def test_seeds_draw_others(of):
    data = of([f"p{n}" for n in range(50)], np.zeros((50, 2)))
    assert draw_rows(data, range(50), 0.2, 0) != draw_rows(data, range(50), 0.2, 1)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_what_is_no_share_is_refused(of, share):
    with pytest.raises(ValueError, match=repr(share)):
        draw_rows(of(["p"], [[1, 0]]), [0], share, 0)


def test_what_cannot_be_learnt_says_why():
    labels = np.array([[1, 1, 0, np.nan], [0, 1, 0, np.nan], [np.nan, 1, np.nan, np.nan]])
    assert unlearnable(labels) == (
        None,
        "no negatives among 3 training labels",
        "no positives among 2 training labels",
        "no positives among 0 training labels",
    )
