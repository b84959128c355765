"""Optimiser and schedule from their config."""

import math
from functools import partial
from itertools import product
from typing import Any

from torch import nn, optim
from torch.optim.lr_scheduler import (
    CosineAnnealingWarmRestarts,
    LambdaLR,
    LRScheduler,
    OneCycleLR,
)

from medfilip_model.config import OptimConfig


def make_optimiser(model: nn.Module, config: OptimConfig) -> optim.Optimizer:
    """Make the optimiser.

    Vectors and scalars (gains, biases, the logit scale) are not decayed, and the text tower learns
    at its own share of the rate.
    """
    groups: list[dict[str, Any]] = []
    for text, decayed in product((False, True), (True, False)):
        chosen = [
            parameter
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
            and (parameter.ndim > 1) == decayed
            and ("text_tower." in name) == text
        ]
        if chosen:
            decay = config.weight_decay if decayed else 0.0
            rate = config.lr * (config.text_lr if text else 1.0)
            groups.append({"params": chosen, "weight_decay": decay, "lr": rate})
    if config.name == "adamw":
        # Fused: most of the text tower is a table of embeddings, which costs more than it learns.
        return optim.AdamW(groups, lr=config.lr, fused=True)
    return optim.SGD(groups, lr=config.lr, momentum=config.momentum)


def make_schedule(
    optimiser: optim.Optimizer, config: OptimConfig, *, epochs: int, steps: int
) -> LRScheduler:
    """Make the learning-rate schedule, stepped once a batch.

    Args:
        optimiser: What it drives.
        config: Kind and rates.
        epochs: Epochs of the run.
        steps: Batches of an epoch.
    """
    if config.schedule == "onecycle":
        total = epochs * steps
        # OneCycleLR divides by the length of the warm-up less one step, which may not be nothing.
        warm = max(config.warmup * total, 1.5) if total > 1 else 0.5
        return OneCycleLR(
            optimiser,
            max_lr=[group["lr"] for group in optimiser.param_groups],
            total_steps=total,
            pct_start=warm / total,
            cycle_momentum=False,
        )
    if config.schedule == "restarts":
        return CosineAnnealingWarmRestarts(
            optimiser, T_0=config.restart_epochs * steps, eta_min=config.min_lr
        )
    rates = [float(group["lr"]) for group in optimiser.param_groups]
    return LambdaLR(optimiser, [partial(share, config, rate, epochs * steps) for rate in rates])


def share(config: OptimConfig, rate: float, total: int, step: int) -> float:
    """The learning rate of a step as a share of its group's highest, after a linear warm-up.

    Args:
        config: ``cosine`` falls to `min_lr`, which is the same for every group; ``constant`` stays.
        rate: Highest rate of the group.
        total: Steps of the run.
        step: From 0; the first step has a rate already.
    """
    warm = round(config.warmup * total)
    if step < warm:
        return (step + 1) / (warm + 1)
    if config.schedule == "constant":
        return 1.0
    done = (step - warm) / max(1, total - warm)
    lowest = min(config.min_lr / rate, 1.0)
    return lowest + (1 - lowest) * (1 + math.cos(math.pi * min(done, 1.0))) / 2
