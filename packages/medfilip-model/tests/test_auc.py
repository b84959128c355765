import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_model.auc import rank_auc

NAN = np.nan


def auc(scores: list[float], labels: list[float]) -> float | None:
    return rank_auc(np.array(scores, dtype=np.float64), np.array(labels, dtype=np.float64))


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
        ([1, 2, 3, 4], [1, 1, 0, 0], 0.0),
        ([1, 2, 3, 4], [0, 1, 0, 1], 0.75),
        ([5, 5, 5], [0, 1, 0], 0.5),
        # Pairs: 2>1, 2=2, 3>1, 3>2: 3.5 of 4.
        ([1, 2, 2, 3], [0, 0, 1, 1], 0.875),
        ([1, 9, 2, 3], [0, NAN, 1, 1], 1.0),
        ([1, 2], [1, 1], None),
        ([1, 2], [0, NAN], None),
        ([], [], None),
    ],
)
def test_by_hand(scores: list[float], labels: list[float], expected: float | None):
    assert auc(scores, labels) == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0.0, 1.0])), max_size=30))
def test_equals_counting_pairs_and_is_invariant_to_monotone_maps(rows: list[tuple[int, float]]):
    scores, labels = [float(s) for s, _ in rows], [y for _, y in rows]
    pairs = [
        1.0 if p > n else 0.5 if p == n else 0.0
        for p, a in zip(scores, labels, strict=True)
        if a
        for n, b in zip(scores, labels, strict=True)
        if not b
    ]
    expected = sum(pairs) / len(pairs) if pairs else None
    assert auc(scores, labels) == (None if expected is None else pytest.approx(expected))
    assert auc([s**3 + 2 for s in scores], labels) == auc(scores, labels)
    flipped = auc([-s for s in scores], labels)
    assert flipped is None or flipped == pytest.approx(1 - (expected or 0.0))
