"""The table of the paper's baselines."""

from medfilip_bench.models.registry import MODELS
from medfilip_bench.models.status import BASELINES, statuses


def test_every_adapter_exists():
    known = {name.partition(":")[0] for name in MODELS}
    for line in BASELINES:
        assert {spec.partition(":")[0] for spec in line.specs} <= known
        assert bool(line.specs) == (line.status != "published only")
    assert len({line.name for line in BASELINES}) == len(BASELINES)


def test_a_release_that_was_run_is_said_to_be():
    before = {line.name: line.status for line in statuses([])}
    after = {line.name: line.status for line in statuses(["medklip:/models/x.pth", "run:runs/a"])}
    assert before["MedKLIP"] == "adapter tested on a random checkpoint only"
    assert after["MedKLIP"] == "run here"
    assert {name for name in before if before[name] != after[name]} == {"MedKLIP"}
