"""What all tasks are given: references of the model's own size, and what the config says."""

from dataclasses import replace

import pytest
from medfilip_bench import BenchConfig, setup
from medfilip_bench.errors import ModelError
from medfilip_bench.models.registry import load
from medfilip_bench.scoring import Resampling
from medfilip_model.progress import Silent


class Notes(Silent):
    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


@pytest.fixture
def asked(monkeypatch):
    """Random models stand in for all but one that is not to be had; the specs are returned."""
    specs = []

    def loaded(spec, **_):
        specs.append(spec)
        if "absent" in spec:
            raise ModelError("no such weights")
        return replace(load("random"), spec=spec, size=48)

    monkeypatch.setattr(setup, "load", loaded)
    return specs


def test_references_take_the_models_pixels_and_one_that_is_not_to_be_had_is_named(asked):
    references = ("timm:resnet50@random", "open_clip:RN50/none", "timm:absent")
    notes = Notes()
    bench = setup.prepare(BenchConfig(model="random", references=references), notes)
    assert "timm:resnet50@random,size=48" in asked
    assert "open_clip:RN50/none" in asked
    assert list(bench.references) == list(references[:2])
    assert notes.said == ["reference timm:absent is left out: no such weights"]


@pytest.mark.usefixtures("asked")
def test_the_bench_is_what_the_config_says(monkeypatch, tmp_path):
    few = setup.PROFILES["quick"].model_copy(update={"probe_train": 7})
    monkeypatch.setattr(setup, "PROFILES", {"quick": few})
    config = BenchConfig(
        model="random", references=(), n=33, seed=5, replicates=44, pictures=True, work=tmp_path
    )
    bench = setup.prepare(config, Silent())
    assert bench.resampling == Resampling(replicates=44, seed=5)
    pool = bench.pool
    assert (pool.n, pool.seed, pool.size, pool.train) == (33, 5, 48, 7)
    assert (bench.profile, bench.pictures, bench.work) == (few, True, tmp_path)
