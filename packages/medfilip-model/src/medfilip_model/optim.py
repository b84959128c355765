"""Optimiser and schedule from their config."""

from itertools import product
from typing import Any

from torch import nn, optim
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, LRScheduler, OneCycleLR

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
    return optim.SGD(groups, lr=config.lr)


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
    return CosineAnnealingWarmRestarts(
        optimiser, T_0=config.restart_epochs * steps, eta_min=config.min_lr
    )
