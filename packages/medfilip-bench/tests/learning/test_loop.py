"""The training loop: its rates, its order, and that the best step is kept."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from medfilip_bench.learning.loop import Schedule, fit, order, seeded
from torch import nn

PLAN = Schedule(steps=20, batch=4, lr=0.1, encoder_lr=0.0, checks=4)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.head = nn.Linear(1, 1), nn.Linear(1, 1)

    def forward(self, x):
        return self.head(self.encoder(x))


def test_rates_rise_in_a_line_and_fall_in_a_cosine():
    rates = [PLAN.rate(step) for step in range(20)]
    assert rates[:2] == [0.5, 1.0]
    assert rates[2] == 1.0
    assert all(a >= b for a, b in pairwise(rates[2:]))
    assert rates[-1] < 0.01
    assert [step for step in range(1, 21) if PLAN.judged(step)] == [5, 10, 15, 20]
    assert Schedule(steps=3, batch=1, lr=1.0, encoder_lr=1.0).judged(3)
    # The last step is judged, whether the steps divide evenly or not.
    assert replace(PLAN, steps=22).judged(22)


def run(scores, plan=PLAN):
    told = iter(scores)
    with seeded(0):
        model = Two()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        seen = []

        def judge():
            seen.append({name: value.clone() for name, value in model.state_dict().items()})
            return next(told)

        best = fit(model, model.encoder, lambda _: model(torch.ones(4, 1)).mean(), judge, plan)
    return best, model, seen, before


def test_the_best_step_is_kept():
    best, model, seen, before = run([0.1, 0.9, 0.5, 0.9])
    assert (best.step, best.score) == (10, 0.9)
    torch.testing.assert_close(dict(model.state_dict()), seen[1])
    assert not model.training
    # The encoder's rate is 0: it stays, the head moves.
    torch.testing.assert_close(model.encoder.weight.data, before["encoder.weight"])
    assert not torch.equal(model.head.weight.data, before["head.weight"])


def test_weights_decay_as_the_schedule_says():
    def left(decay):
        with seeded(0):
            model = Two()
            flat = lambda _: 0 * model(torch.ones(4, 1)).sum()  # noqa: E731
            fit(model, model.encoder, flat, lambda: None, replace(PLAN, weight_decay=decay))
        return model.head.weight.abs().item()

    assert 0 < left(0.5) < left(0.0)


def test_a_steep_loss_moves_no_further_than_a_gradient_of_one():
    norms = []
    with seeded(0):
        model = Two()

        def judge():
            # Between two steps the gradients are those that the last one went by.
            grads = [parameter.grad.flatten() for parameter in model.parameters()]
            norms.append(torch.cat(grads).norm().item())

        def loss(step):
            return (1e4 if step else 1e-4) * model(torch.ones(4, 1)).mean()

        fit(model, model.encoder, loss, judge, replace(PLAN, steps=3, checks=3))
    assert norms[0] < 1e-3
    assert norms[1:] == pytest.approx([1, 1], rel=1e-4)


def test_without_a_score_the_last_step_is_kept():
    best, model, seen, _ = run([None, None, None, None])
    assert (best.step, best.score) == (20, None)
    torch.testing.assert_close(dict(model.state_dict()), seen[-1])


def test_the_beginning_may_be_kept_where_that_is_asked():
    best, model, _, before = run([0.9, 0.1, 0.2, 0.3, 0.4], replace(PLAN, begun=True))
    assert best.step == 0
    torch.testing.assert_close(dict(model.state_dict()), before)


@pytest.mark.parametrize(("n", "batch"), [(7, 3), (3, 8), (1, 4)])
def test_every_image_comes_once_in_each_round(n, batch):
    turns = order(n, batch, 0)
    seen = np.concatenate([next(turns) for _ in range(3 * n)])
    assert all(sorted(seen[k : k + n]) == list(range(n)) for k in range(0, len(seen) - n, n))
    again = order(n, batch, 0)
    np.testing.assert_array_equal(next(again), seen[:batch])


def test_seeds_leave_the_callers_numbers_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with seeded(1):
        first = torch.rand(2)
    torch.testing.assert_close(torch.rand(2), expected)
    with seeded(1):
        torch.testing.assert_close(torch.rand(2), first)
