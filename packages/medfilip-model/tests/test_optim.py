import json

import pytest
import torch
from medfilip_model.config import OptimConfig
from medfilip_model.model import MedFILIP
from medfilip_model.optim import make_optimiser, make_schedule, share
from medfilip_model.training.tree import flatten, unflatten
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


def test_cosine_warms_up_and_falls_to_the_lowest_rate():
    config = OptimConfig(lr=1.0, text_lr=0.1, schedule="cosine", warmup=0.2, min_lr=0.05)
    seen = rates(config, epochs=5, steps=10)
    assert seen[:10] == pytest.approx([(n + 1) / 11 for n in range(10)])
    assert seen[10] == 1.0
    assert seen[30] == pytest.approx(0.525)
    assert seen[-1] == pytest.approx(0.05, abs=0.002)
    assert share(config, 0.1, 50, 50) * 0.1 == pytest.approx(0.05)
    assert share(config, 0.01, 50, 50) == 1.0  # never above the group's own rate


def test_constant_stays_after_the_warm_up():
    seen = rates(OptimConfig(lr=1.0, schedule="constant", warmup=0.5), epochs=1, steps=4)
    assert seen == pytest.approx([1 / 3, 2 / 3, 1, 1])
    assert rates(OptimConfig(lr=1.0, schedule="constant", warmup=0), epochs=1, steps=3) == [1] * 3


@pytest.mark.parametrize("schedule", ["onecycle", "cosine", "constant", "restarts"])
def test_a_schedule_goes_on_from_its_state(schedule):
    """Through JSON, as a checkpoint has it."""
    config = OptimConfig(lr=1.0, schedule=schedule)

    def made():
        optimiser = make_optimiser(nn.Linear(2, 2), config)
        return optimiser, make_schedule(optimiser, config, epochs=2, steps=5)

    (optimiser, schedule_a), (other, schedule_b) = made(), made()
    for _ in range(4):
        optimiser.step()
        schedule_a.step()
    tensors, values = flatten([schedule_a.state_dict(), optimiser.state_dict()])
    back = unflatten(tensors, json.loads(json.dumps(values)))
    schedule_b.load_state_dict(back[0])
    other.load_state_dict(back[1])
    for _ in range(5):
        assert schedule_a.get_last_lr() == schedule_b.get_last_lr()
        assert optimiser.param_groups[0]["lr"] == other.param_groups[0]["lr"]
        for part in (optimiser, schedule_a, other, schedule_b):
            part.step()


def test_sgd_and_adamw_are_what_they_say():
    model = nn.Linear(2, 2)
    sgd = make_optimiser(model, OptimConfig(name="sgd", momentum=0.7))
    assert isinstance(sgd, torch.optim.SGD)
    assert {group["momentum"] for group in sgd.param_groups} == {0.7}
    assert isinstance(make_optimiser(model, OptimConfig()), torch.optim.AdamW)
