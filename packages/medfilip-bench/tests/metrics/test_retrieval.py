"""Retrieval metrics against a 3 × 4 matrix checked by hand, and their laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_bench.metrics.retrieval import ranked, retrieval

FEW = settings(max_examples=25, deadline=None)

SCORES = np.array([[0.9, 0.8, 0.1, 0.0], [0.2, 0.9, 0.8, 0.1], [0.4, 0.3, 0.2, 0.1]])
RELEVANT = np.array([[1, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=bool)


def test_by_hand():
    result = retrieval(SCORES, RELEVANT, ks=(1, 3))
    # Query 0: relevant at ranks 1 and 3. Query 1: at rank 3. Query 2 has none.
    assert result.values["p@1"].tolist() == [1.0, 0.0]
    assert result.values["p@3"].tolist() == [2 / 3, 1 / 3]
    assert result.values["hit@1"].tolist() == [1.0, 0.0]
    assert result.values["hit@3"].tolist() == [1.0, 1.0]
    assert result.values["recall@1"].tolist() == [0.5, 0.0]
    assert result.values["recall@3"].tolist() == [1.0, 1.0]
    assert result.values["mrr"].tolist() == [1.0, 1 / 3]
    assert result.dropped == 1
    assert result.kept.tolist() == [0, 1]
    assert result.mean("p@3").value == 0.5


def test_a_constant_model_earns_nothing_by_the_order_of_the_gallery():
    relevant = np.eye(3, dtype=bool)
    result = retrieval(np.zeros((3, 3)), relevant, ks=(1,))
    assert result.mean("hit@1").value == 0.0
    assert result.values["mrr"].tolist() == [1 / 3] * 3


def test_a_gallery_smaller_than_k_is_still_divided_by_k():
    result = retrieval(np.array([[1.0, 0.0]]), np.array([[True, True]]), ks=(10,))
    assert result.mean("p@10").value == 0.2
    assert result.mean("recall@10").value == 1.0


def test_no_query_can_be_answered():
    result = retrieval(SCORES, np.zeros_like(RELEVANT), ks=(1,))
    assert result.mean("mrr").reason == "no query has a relevant item"
    assert result.dropped == 3


def test_empty_gallery():
    assert retrieval(np.zeros((2, 0)), np.zeros((2, 0), dtype=bool), ks=(1,)).dropped == 2


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="1 scores are not finite"):
        retrieval(np.array([[np.nan, 1.0]]), np.array([[True, False]]))
    with pytest.raises(ValueError, match="at least 1"):
        retrieval(SCORES, RELEVANT, ks=(0,))


@FEW
@given(st.integers(0, 10_000), st.integers(2, 12))
def test_laws(seed, n):
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 4, (n, n)).astype(float)
    relevant = generator.random((n, n)) < 0.3
    relevant[:, 0] = True
    values = retrieval(scores, relevant, ks=(1, 3)).values
    assert (values["p@1"] == values["hit@1"]).all()
    assert (values["hit@3"] >= values["hit@1"]).all()
    assert (values["recall@3"] >= values["recall@1"]).all()
    # Reference by plain sorting, relevant last among equals.
    for q in range(n):
        order = sorted(range(n), key=lambda g: (-scores[q, g], relevant[q, g]))
        row = [bool(relevant[q, g]) for g in order]
        assert ranked(scores[q : q + 1], relevant[q : q + 1])[0].tolist() == row
        assert values["p@3"][q] == sum(row[:3]) / 3
        assert values["mrr"][q] == pytest.approx(1 / (row.index(True) + 1))


@FEW
@given(st.integers(0, 1000), st.floats(0.1, 5))
def test_monotone_transforms_change_nothing(seed, scale):
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(5, 6))
    relevant = generator.random((5, 6)) < 0.4
    before, after = retrieval(scores, relevant), retrieval(np.exp(scores * scale), relevant)
    assert all((before.values[k] == after.values[k]).all() for k in before.values)
