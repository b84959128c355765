import pytest
import torch
from ssm import Calibration, SsmError, spread
from ssm.spread import measure_spread


def test_by_hand():
    # Angles 0°, 60°, 90°: cosines 0.5, 0, cos 30°.
    embeddings = torch.tensor([[2.0, 0.0], [0.5, 3**0.5 / 2], [0.0, 1.0]])
    found = measure_spread(embeddings, top=2)
    assert found.pairs == 3
    assert found.mean == pytest.approx((0.5 + 3**0.5 / 2) / 3)
    assert found.percentiles == pytest.approx(
        {0: 0, 5: 0, 50: 0.5, 95: 3**0.5 / 2, 100: 3**0.5 / 2}, abs=6e-4
    )
    assert [(pair.first, pair.second) for pair in found.nearest] == [(1, 2), (0, 1)]
    assert [(pair.first, pair.second) for pair in found.farthest] == [(0, 2), (0, 1)]
    assert [pair.similarity for pair in found.nearest] == pytest.approx([3**0.5 / 2, 0.5])
    assert [pair.similarity for pair in found.farthest] == pytest.approx([0, 0.5], abs=1e-6)


def test_blocks_change_nothing(monkeypatch):
    embeddings = torch.randn(60, 6, generator=torch.Generator().manual_seed(0))
    whole = measure_spread(embeddings, top=7)
    monkeypatch.setattr(spread, "_BLOCK_ELEMENTS", 200)
    blocked = measure_spread(embeddings, top=7)
    assert [(p.first, p.second) for p in blocked.nearest] == [
        (p.first, p.second) for p in whole.nearest
    ]
    assert [(p.first, p.second) for p in blocked.farthest] == [
        (p.first, p.second) for p in whole.farthest
    ]
    assert blocked.mean == pytest.approx(whole.mean)
    assert blocked.percentiles == pytest.approx(whole.percentiles)


def test_percentiles_against_an_exact_sort():
    embeddings = torch.randn(100, 6, generator=torch.Generator().manual_seed(1))
    unit = torch.nn.functional.normalize(embeddings, dim=1)
    rows, columns = torch.triu_indices(100, 100, offset=1)
    values = (unit @ unit.T)[rows, columns]
    found = measure_spread(embeddings)
    assert len(found.nearest) == 5
    for q, value in found.percentiles.items():
        assert value == pytest.approx(float(values.quantile(q / 100)), abs=2e-3)


@pytest.mark.parametrize("count", [0, 1])
def test_one_text_has_no_spread(count):
    with pytest.raises(SsmError, match=f"two texts, the bank has {count}"):
        measure_spread(torch.ones(count, 3))


def test_calibrated_pairs_against_the_pairs_one_by_one():
    embeddings = torch.randn(40, 6, generator=torch.Generator().manual_seed(2)) + 1
    unit = torch.nn.functional.normalize(embeddings, dim=1)
    used = Calibration(low=-0.25, mean=unit.mean(dim=0))
    moved = torch.nn.functional.normalize(unit - unit.mean(dim=0), dim=1)
    rows, columns = torch.triu_indices(40, 40, offset=1)
    values = ((moved @ moved.T)[rows, columns] + 0.25) / 1.25
    found = measure_spread(embeddings, calibration=used)
    assert found.mean == pytest.approx(float(values.mean()), abs=1e-5)
    assert found.nearest[0].similarity == pytest.approx(float(values.max()), abs=1e-5)
    assert found.farthest[0].similarity == pytest.approx(float(values.min()), abs=1e-5)
    for q, value in found.percentiles.items():
        assert value == pytest.approx(float(values.quantile(q / 100)), abs=5e-3)
