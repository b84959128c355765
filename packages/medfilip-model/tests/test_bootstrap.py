import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_model.auc import rank_auc
from medfilip_model.bootstrap import grouped_auc, patient_weights, pooled, weighted_auc


def test_images_of_one_patient_count_alike_and_a_replicate_has_as_many_patients_as_there_are():
    weights = patient_weights(["a", "b", "a", "c"], 200, np.random.default_rng(0))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert len(np.unique(weights, axis=0)) > 5


def test_a_weight_is_a_repetition_by_hand():
    scores, positive = np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, True, False, True])
    # Plain: pairs 1, 1/2, 1, 1 of 4. With the tied negative out, all of 2. Without positives, none.
    weights = np.array([[1, 1, 1, 1], [1, 1, 0, 1], [1, 0, 1, 0], [0, 2, 1, 0]])
    found = weighted_auc(scores, positive, weights)
    assert found[[0, 1, 3]].tolist() == [0.875, 1.0, 0.5]
    assert np.isnan(found[2])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 3)), min_size=1, max_size=20
    )
)
def test_weights_equal_writing_an_image_several_times(rows: list[tuple[int, bool, int]]):
    scores, positive, weights = (np.array(column) for column in zip(*rows, strict=True))
    found = weighted_auc(scores.astype(float), positive, weights[None])[0]
    plain = rank_auc(
        np.repeat(scores, weights).astype(float), np.repeat(positive, weights).astype(float)
    )
    assert np.isnan(found) if plain is None else found == pytest.approx(plain)


def test_images_of_different_groups_are_never_compared():
    # Either group is ordered rightly; the second's scores all lie above the first's.
    scores, positive = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, True, False, True])
    groups, once = np.array([0, 0, 1, 1]), np.ones((1, 4), dtype=np.int64)
    assert grouped_auc(scores, positive, groups, once).tolist() == [1.0]
    assert weighted_auc(scores, positive, once).tolist() == [0.75]


def test_a_group_weighs_its_pairs_and_one_without_a_pair_nothing():
    # Group 0: one pair, right. Group 1: two pairs, both wrong. Group 2: no positive.
    scores = np.array([0.1, 0.2, 0.9, 0.8, 0.3, 0.5])
    positive = np.array([False, True, False, False, True, False])
    groups = np.array([0, 0, 1, 1, 1, 2])
    # As they are; the wrong positive twice; without the right one; without any positive.
    weights = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 2, 1], [1, 0, 1, 1, 1, 1], [1, 0] * 3])
    found = grouped_auc(scores, positive, groups, weights)
    assert found[:3] == pytest.approx([1 / 3, 1 / 5, 0])
    weights[3, 4] = 0
    assert np.isnan(grouped_auc(scores, positive, groups, weights)[3])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 2), st.integers(0, 3)),
        min_size=1,
        max_size=20,
    )
)
def test_groups_are_pooled_as_the_mean_of_their_aucs_weighted_by_their_pairs(
    rows: list[tuple[int, bool, int, int]],
):
    scores, positive, groups, weights = (np.array(column) for column in zip(*rows, strict=True))
    aucs: list[float] = []
    pairs: list[int] = []
    for group in range(3):
        own = groups == group
        count = int(weights[own & positive].sum() * weights[own & ~positive].sum())
        if count:
            part = scores[own].astype(float), positive[own], weights[None, own]
            aucs.append(float(weighted_auc(*part)[0]))
            pairs.append(count)
    found = grouped_auc(scores.astype(float), positive, groups, weights[None])[0]
    assert found == pytest.approx(np.average(aucs, weights=pairs)) if pairs else np.isnan(found)


def test_the_interval_holds_the_spread_of_repetitions_as_well_as_of_patients():
    rng = np.random.default_rng(1)
    still = np.repeat([[0.5], [0.7], [0.9]], 1000, axis=1)
    value, low, high = pooled(np.array([0.5, 0.7, 0.9]), still, rng)
    assert value == pytest.approx(0.7)
    assert low is not None
    assert high is not None
    assert low < 0.6 < 0.8 < high
    moving = np.tile(np.linspace(0.6, 0.8, 1001), (3, 1))
    assert pooled(np.full(3, 0.7), moving, rng)[1:] == pytest.approx((0.605, 0.795))


def test_what_is_undefined_is_said_and_not_averaged():
    rng = np.random.default_rng(1)
    assert pooled(np.array([0.5, np.nan]), np.zeros((2, 9)), rng) == (None, None, None)
    assert pooled(np.array([0.5]), np.full((1, 9), np.nan), rng) == (0.5, None, None)
    assert pooled(np.array([0.5]), np.array([[0.4, np.nan, 0.6]]), rng)[1] == pytest.approx(0.405)
