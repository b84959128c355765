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
    with pytest.raises(SsmError, match="unknown calibration 'whiten': use 'none' or 'minmax'"):
        fit_calibration(torch.ones(2, 4), "whiten")


def test_empty_range_is_an_error():
    with pytest.raises(SsmError, match=r"low < high, got 1\.0 and 1\.0"):
        Calibration(low=1.0)
