"""The one training loop: AdamW, a cosine, and the step that the validation split likes best."""

import math
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from medfilip_model.training.run import resolve_precision
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR


@dataclass(frozen=True)
class Schedule:
    """How long and how fast something is trained.

    Attributes:
        steps: Optimiser steps.
        batch: Images a step.
        lr: Highest learning rate of what begins with random weights.
        encoder_lr: The same of the encoder.
        weight_decay: Of AdamW.
        warmup: Share of the steps in which the rate rises to its highest.
        checks: How often the validation split is judged, evenly over the steps.
        begun: Whether it may choose the state before the first step, too.
    """

    steps: int
    batch: int
    lr: float
    encoder_lr: float
    weight_decay: float = 1e-4
    warmup: float = 0.1
    checks: int = 4
    begun: bool = False

    def rate(self, step: int) -> float:
        """Share of the highest rate at a step: up in a line, down in half a cosine."""
        rise = max(1, round(self.warmup * self.steps))
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, self.steps - rise)))

    def judged(self, step: int) -> bool:
        """Whether the validation split is judged after so many steps."""
        every = max(1, self.steps // self.checks)
        return step == self.steps or step % every == 0


@dataclass(frozen=True)
class Best:
    """The step that was kept.

    Attributes:
        step: Its number; 0 before the first.
        score: What the validation split said of it; None where it says nothing.
    """

    step: int
    score: float | None


def fit(
    module: nn.Module,
    encoder: nn.Module,
    loss: Callable[[int], Tensor],
    judge: Callable[[], float | None],
    schedule: Schedule,
) -> Best:
    """Train a module and leave it with the weights of its best step, in evaluation mode.

    Args:
        module: What is trained, on its device.
        encoder: The part of it that has its own learning rate.
        loss: Number of a step, from 0 -> loss of its batch.
        judge: Score of the module on the validation split, higher is better; None where it is
            not defined, and then the last step is kept.
        schedule: How long and how fast.

    Returns:
        Which step was kept.
    """
    own = {id(parameter) for parameter in encoder.parameters()}
    groups = [
        {"params": [p for p in module.parameters() if id(p) in own], "lr": schedule.encoder_lr},
        {"params": [p for p in module.parameters() if id(p) not in own], "lr": schedule.lr},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=schedule.weight_decay)
    rates = LambdaLR(optimiser, schedule.rate)
    module.eval()
    best, kept = Best(0, judge() if schedule.begun else None), _copy(module)
    for step in range(1, schedule.steps + 1):
        module.train()
        optimiser.zero_grad(set_to_none=True)
        loss(step - 1).backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        rates.step()
        if schedule.judged(step):
            module.eval()
            score = judge()
            if best.score is None or (score is not None and score > best.score):
                best, kept = Best(step, score), _copy(module)
    module.load_state_dict(kept)
    module.eval()
    return best


def order(n: int, batch: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the places of each batch without end: all n in a new order, again and again.

    A set that is smaller than a batch is repeated within it.

    Args:
        n: How many there are.
        batch: How many a batch.
        seed: Of the orders.
    """
    generator, waiting = np.random.default_rng(seed), np.zeros(0, dtype=np.int64)
    while True:
        while len(waiting) < batch:
            waiting = np.concatenate([waiting, generator.permutation(n)])
        yield waiting[:batch]
        waiting = waiting[batch:]


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Draw torch's random numbers from a seed, and leave the caller's stream as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def autocast(device: str) -> torch.autocast:
    """Compute in bfloat16 where the machine does so natively, as the training of models does."""
    half = resolve_precision("auto") == "bf16"
    return torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=half)


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
