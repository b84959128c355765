import pytest
import torch
from ssm import Calibration, SsmError, cosine, fit_calibration, normalise, similarity


def test_normalise_and_zero_vector():
    found = normalise(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


def test_cosine_by_hand():
    a = torch.tensor([[1.0, 0.0], [5.0, 5.0], [0.0, 0.0]])
    b = torch.tensor([[0.0, 2.0], [-3.0, 0.0]])
    half = 2**-0.5
    torch.testing.assert_close(cosine(a, b), torch.tensor([[0.0, -1.0], [half, -half], [0.0, 0.0]]))


def test_no_calibration_changes_nothing():
    matrix = torch.rand(3, 3)
    assert fit_calibration(torch.rand(4, 2), "none") == Calibration()
    assert Calibration().apply(matrix) is matrix


def test_minmax_by_hand():
    embeddings = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8]])
    calibration = fit_calibration(embeddings, "minmax")
    assert calibration.low == pytest.approx(0.6)
    assert calibration.high == 1
    found = calibration.apply(torch.tensor([[0.6, 0.8, 1.0, 0.5]]))
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.5, 1.0, -0.25]]))


def test_minmax_finds_the_lowest_pair_in_any_block(monkeypatch):
    embeddings = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    whole = fit_calibration(embeddings, "minmax")
    monkeypatch.setattr(similarity, "_BLOCK_ELEMENTS", 120)
    blocked = fit_calibration(embeddings, "minmax")
    assert blocked.low == pytest.approx(whole.low)
    assert whole.low == pytest.approx(float(cosine(embeddings, embeddings).min()))


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_minmax_needs_texts_that_differ(rows):
    with pytest.raises(SsmError, match=f"two texts that differ, got {rows} alike"):
        fit_calibration(torch.ones(rows, 4), "minmax")


@pytest.mark.usefixtures("unchecked_shapes")
def test_unknown_method():
    with pytest.raises(
        SsmError, match="unknown calibration 'whiten': use one of 'none', 'minmax', 'quantile'"
    ):
        fit_calibration(torch.ones(2, 4), "whiten")


def test_empty_range_is_an_error():
    with pytest.raises(SsmError, match=r"low < high, got 1\.0 and 1\.0"):
        Calibration(low=1.0)


def test_quantile_takes_the_least_similar_pairs_to_nothing():
    # Angles 0°, 90°, 60°, 45° against the first: six pairs whose cosines are known.
    angles = torch.tensor([0.0, 90.0, 60.0, 45.0]).deg2rad()
    embeddings = torch.stack([angles.cos(), angles.sin()], dim=1)
    pairs = sorted(torch.tensor([90.0, 60.0, 45.0, 30.0, 45.0, 15.0]).deg2rad().cos().tolist())
    assert fit_calibration(embeddings, "quantile", share=0.5).low == pytest.approx(pairs[2])
    calibration = fit_calibration(embeddings, "quantile", share=0.99)
    similar = calibration.apply(cosine(embeddings, embeddings)).clamp(0, 1)
    assert similar.diagonal().tolist() == pytest.approx([1.0] * 4)
    off = similar[~torch.eye(4, dtype=torch.bool)]
    assert (off > 1e-6).sum() == 2, "one pair, both ways, lies above the quantile"


def test_quantile_looks_at_an_even_sample_of_a_large_bank(monkeypatch: pytest.MonkeyPatch):
    embeddings = torch.rand(9, 3, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(similarity, "_SAMPLE", 3)
    sampled = fit_calibration(embeddings, "quantile", share=0.5)
    assert sampled == fit_calibration(embeddings[::3], "quantile", share=0.5)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_outside_the_open_interval_is_refused(share: float):
    with pytest.raises(SsmError, match="share must lie between 0 and 1"):
        fit_calibration(torch.eye(3), "quantile", share=share)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_quantile_needs_texts_that_differ(rows: int):
    with pytest.raises(SsmError, match="quantile calibration needs two texts that differ"):
        fit_calibration(torch.ones(rows, 4), "quantile")
