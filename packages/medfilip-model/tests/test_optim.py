import pytest
import torch
from medfilip_model.config import OptimConfig
from medfilip_model.model import MedFILIP
from medfilip_model.optim import make_optimiser, make_schedule
from torch import nn


def test_vectors_and_the_scale_are_not_decayed(tiny_model: MedFILIP):
    optimiser = make_optimiser(tiny_model, OptimConfig(weight_decay=0.3))
    decay = {id(p): g["weight_decay"] for g in optimiser.param_groups for p in g["params"]}
    for name, parameter in tiny_model.named_parameters():
        assert decay[id(parameter)] == (0.3 if parameter.ndim > 1 else 0.0), name
    assert decay[id(tiny_model.log_scale)] == 0.0


def test_the_text_tower_has_its_own_rate(tiny_model: MedFILIP):
    config = OptimConfig(lr=1.0, text_lr=0.1)
    optimiser = make_optimiser(tiny_model, config)
    schedule = make_schedule(optimiser, config, epochs=1, steps=10)
    names = {id(parameter): name for name, parameter in tiny_model.named_parameters()}
    for _ in range(4):
        for group in optimiser.param_groups:
            texts = {"text_tower." in names[id(parameter)] for parameter in group["params"]}
            share = group["lr"] / optimiser.param_groups[0]["lr"]
            assert share == pytest.approx(0.1 if texts == {True} else 1.0)
        optimiser.step()
        schedule.step()


def rates(config: OptimConfig, epochs: int, steps: int) -> list[float]:
    optimiser = make_optimiser(nn.Linear(2, 2), config)
    schedule = make_schedule(optimiser, config, epochs=epochs, steps=steps)
    seen = []
    for _ in range(epochs * steps):
        seen.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return seen


def test_onecycle_rises_to_the_rate_and_falls_to_nothing():
    seen = rates(OptimConfig(lr=1.0, warmup=0.2), epochs=5, steps=10)
    assert max(seen) == pytest.approx(1.0)
    assert seen.index(max(seen)) == 9
    assert seen[-1] < 1e-3


@pytest.mark.parametrize("steps", range(1, 12))
@pytest.mark.parametrize("warmup", [0.0, 0.2, 0.9])
def test_onecycle_serves_runs_of_any_length(steps: int, warmup: float):
    seen = rates(OptimConfig(lr=1.0, warmup=warmup), epochs=1, steps=steps)
    assert all(0 < rate <= 1 + 1e-9 for rate in seen)


def test_restarts_begin_anew_every_period():
    config = OptimConfig(name="sgd", lr=1.0, schedule="restarts", restart_epochs=2, min_lr=0.1)
    seen = rates(config, epochs=6, steps=5)
    assert [n for n, rate in enumerate(seen) if rate == 1.0] == [0, 10, 20]
    assert min(seen) == pytest.approx(0.1, abs=0.03)


def test_sgd_and_adamw_are_what_they_say():
    model = nn.Linear(2, 2)
    assert isinstance(make_optimiser(model, OptimConfig(name="sgd")), torch.optim.SGD)
    assert isinstance(make_optimiser(model, OptimConfig()), torch.optim.AdamW)
