"""Wrong reports of the judged phantoms: in their order, and none is drawn."""

import pytest
from medfilip_bench.datasets.pool import FIRST_INDEX, PhantomPool
from medfilip_model.phantom import PhantomConfig
from medfilip_model.phantom.mistakes import MISTAKES, make_mistake


@pytest.mark.parametrize("split", ["test", "valid"])
def test_mistakes_stand_in_the_order_of_the_reports(kb, split, monkeypatch):
    pool = PhantomPool(n=12, seed=3, size=32, train=0)
    monkeypatch.setattr("medfilip_bench.datasets.pool.draw", lambda *_, **__: pytest.fail("drawn"))
    reported = pool.reported(split)
    config, first = PhantomConfig(size=32, seed=3), FIRST_INDEX[f"multi-{split}"]
    for kind in MISTAKES:
        found = pool.mistaken(kind, kb, split)
        assert len(found) == len(reported)
        assert any(found)
        assert found == tuple(make_mistake(config, first + n, kind, kb) for n in range(len(found)))
        for (sample, report), made in zip(reported, found, strict=True):
            if made is not None:
                assert made.report != report
                assert made.true is None or made.true in sample.present
    assert pool.mistaken("added", kb) == pool.mistaken("added", kb, "test")
