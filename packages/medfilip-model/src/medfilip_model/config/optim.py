"""Optimiser, schedule, and averaging of the weights."""

from typing import Annotated, Literal

from pydantic import Field

from medfilip_model.config.base import Fraction, Frozen, Positive


class OptimConfig(Frozen):
    """Optimiser, schedule, and averaging of the weights.

    Attributes:
        name: Optimiser.
        lr: Highest learning rate.
        text_lr: The text tower's rate as a share of `lr`.
        momentum: Of ``sgd``.
        weight_decay: Decay of matrices and kernels; gains, biases and the scale have none.
        clip: Largest norm of the gradient; None leaves it.
        schedule: ``onecycle`` (warm-up, then cosine to nearly zero), ``cosine`` (linear warm-up,
            then cosine to `min_lr`), ``constant`` (after the warm-up), or ``restarts``
            (CosineAnnealingWarmRestarts, stepped per batch).
        warmup: Share of the steps to warm up for (not of ``restarts``).
        restart_epochs: First period of ``restarts`` in epochs.
        min_lr: Lowest learning rate of ``restarts`` and ``cosine``.
        ema: Decay of an exponential moving average of the weights, which is then what is scored and
            saved; None: none.
    """

    name: Literal["adamw", "sgd"] = "adamw"
    lr: Annotated[float, Field(gt=0)] = 1e-3
    text_lr: Annotated[float, Field(gt=0)] = 1.0
    momentum: Fraction = 0.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    clip: Annotated[float, Field(gt=0)] | None = 1.0
    schedule: Literal["onecycle", "cosine", "constant", "restarts"] = "onecycle"
    warmup: Fraction = 0.2
    restart_epochs: Positive = 2
    min_lr: Annotated[float, Field(ge=0)] = 1e-6
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
