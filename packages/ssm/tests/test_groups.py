import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from ssm import Calibration, SsmError, groups
from ssm.groups import measure_groups, split_pairs


def test_by_hand():
    # Angles 0°, 60° in one group, 90°, 180° in another: within 0.5 and 0; between 0, -1, cos 30°,
    # cos 120°.
    root = 3**0.5 / 2
    embeddings = torch.tensor([[2.0, 0.0], [0.5, root], [0.0, 1.0], [-3.0, 0.0]])
    found = measure_groups(embeddings, ["a", "a", "b", "b"])
    assert (found.within.pairs, found.between.pairs, found.sampled) == (2, 4, 4)
    assert found.within.mean == pytest.approx(0.25)
    assert found.within.deviation == pytest.approx(0.25)
    assert found.within.clamped == pytest.approx(0.5)
    assert found.between.mean == pytest.approx((root - 1.5) / 4)
    # 0.5 beats three of four, 0 beats two and ties with one.
    assert found.auc == pytest.approx((3 + 2.5) / 8)
    assert [(g.name, g.texts, g.nearest) for g in found.groups] == [("a", 2, "b"), ("b", 2, "a")]
    assert found.groups[0].within == pytest.approx(0.5)
    assert found.groups[1].within == pytest.approx(0, abs=1e-6)
    assert found.groups[1].between == pytest.approx((root - 1.5) / 4)


def random_rows(count, seed=0):
    return torch.randn(count, 5, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from("abc"), min_size=4, max_size=30),
    st.integers(0, 5),
    st.sampled_from([None, Calibration(low=-0.5), Calibration(mean=0.3 * torch.ones(5))]),
)
def test_against_the_pairs_one_by_one(names, seed, calibration):
    names = ["a", "a", "b", *names]
    embeddings = random_rows(len(names), seed)
    found = measure_groups(embeddings, names, calibration)
    within, between = split_pairs(embeddings, names, calibration)
    assert len(within) + len(between) == len(names) * (len(names) - 1) // 2
    truth = [1] * len(within) + [0] * len(between)
    assert found.auc == pytest.approx(roc_auc_score(truth, torch.cat([within, between])), abs=1e-6)
    weights = {g.name: g.texts * (g.texts - 1) / 2 for g in found.groups}
    means = {g.name: g.within or 0.0 for g in found.groups}
    whole = sum(weights[n] * means[n] for n in weights) / sum(weights.values())
    assert found.within.mean == pytest.approx(whole, abs=1e-5)
    spread = ((within.double().var(correction=0) + between.double().var(correction=0)) / 2).sqrt()
    assert found.gap * float(spread) == pytest.approx(found.within.mean - found.between.mean)


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.9, 0.5), st.integers(0, 3))
def test_an_affine_map_changes_neither_gap_nor_auc(low, seed):
    embeddings, names = random_rows(12, seed), ["a", "b", "c"] * 4
    plain = measure_groups(embeddings, names)
    mapped = measure_groups(embeddings, names, Calibration(low=low))
    assert mapped.gap == pytest.approx(plain.gap, abs=1e-4)
    assert mapped.auc == pytest.approx(plain.auc, abs=0.02)
    assert mapped.within.mean == pytest.approx((plain.within.mean - low) / (1 - low), abs=1e-5)


def test_texts_without_a_group_are_left_out():
    embeddings = random_rows(8)
    names = ["a", "", "a", "b", "", "b", "b", ""]
    kept = [row for row, name in enumerate(names) if name]
    assert measure_groups(embeddings, names) == measure_groups(
        embeddings[kept], [names[row] for row in kept]
    )


def test_a_large_bank_is_sampled_evenly(monkeypatch):
    embeddings, names = random_rows(100), ["a", "b", "c", "d"] * 25
    whole = measure_groups(embeddings, names)
    monkeypatch.setattr(groups, "_SAMPLE", 50)
    part = measure_groups(embeddings, names)
    assert part.sampled == 50
    assert part.groups == whole.groups
    # Every second text: the groups b and d are not in the sample.
    assert part.within.pairs == 2 * (25 * 24 // 2)


def test_a_group_of_one_has_no_inside():
    found = measure_groups(random_rows(4), ["a", "a", "b", "c"])
    assert [g.within is None for g in found.groups] == [False, True, True]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"] * 4, "4 texts in 1 groups have 6 pairs within a group and 0 between"),
        (["a", "b", "c", "d"], "0 pairs within"),
        (["", "", "", ""], "0 texts in 0 groups"),
        (["a", "b"], "a group for each of 4 texts, got 2"),
    ],
)
def test_both_kinds_of_pairs_are_needed(names, message):
    with pytest.raises(SsmError, match=message):
        measure_groups(random_rows(4), names)
