"""The moving parts of a run, and how they are put together on a device or over several."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.utils import DistributedType
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage] - has no public base
from torch.optim.lr_scheduler import LRScheduler

from medfilip_model.config import TrainConfig
from medfilip_model.data.loader import EpochLoader
from medfilip_model.errors import ConfigError
from medfilip_model.loss import Targets
from medfilip_model.model import MedFILIP
from medfilip_model.optim import make_optimiser, make_schedule
from medfilip_model.prepare import Prepared
from medfilip_model.training.ema import Ema
from medfilip_model.training.forward import TrainingPass
from medfilip_model.training.gather import ranks


@dataclass(frozen=True)
class Moving:
    """What a step changes, and what it needs for that.

    Attributes:
        accelerator: Device, precision, processes.
        model: The model itself.
        module: `TrainingPass` around it, as prepared by the accelerator.
        optimiser: As prepared.
        schedule: Stepped once a step, by one process or many.
        ema: Average of the weights; None without.
        loader: Batches of this process.
        data: Images and texts.
        targets: What the similarities should be, on the device.
        config: The run.
    """

    accelerator: Accelerator
    model: MedFILIP
    module: nn.Module
    optimiser: AcceleratedOptimizer
    schedule: LRScheduler
    ema: Ema | None
    loader: EpochLoader
    data: Prepared
    targets: Targets
    config: TrainConfig

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.accelerator.device

    @property
    def sharded(self) -> bool:
        """Whether the weights are spread over processes (FSDP)."""
        return self.accelerator.distributed_type == DistributedType.FSDP

    @property
    def no_sync(self) -> Callable[[], AbstractContextManager[object]]:
        """Opens a context in which gradients stay on their rank."""
        return partial(self.accelerator.no_sync, self.module)


def set_up(
    config: TrainConfig, model: MedFILIP, data: Prepared, accelerator: Accelerator
) -> Moving:
    """Put a run together: loader, optimiser, schedule, wrappers, compilation.

    Args:
        config: The run.
        model: With the weights to begin with.
        data: Images, texts, targets.
        accelerator: Device, precision, processes.

    Raises:
        ConfigError: If the settings cannot be had together.
    """
    rank, world = ranks()
    loader = EpochLoader(
        data.images,
        data.texts,
        data.train,
        batch=config.batch,
        seed=config.seed,
        entities=data.entities,
        workers=config.data.workers,
        rank=rank,
        world=world,
    )
    sharded = accelerator.distributed_type == DistributedType.FSDP
    # FSDP takes parameters in rows only.
    layout = torch.contiguous_format if sharded else torch.channels_last
    model.to(accelerator.device, memory_format=layout)  # pyright: ignore[reportCallIssue] - an overload that torch documents
    if config.compile:
        # In place: names of weights stay as they are.
        model.image_tower.compile()
        model.text_tower.compile(dynamic=True)
    optimiser = make_optimiser(model, config.optim)
    known = data.targets.attributes
    asked = None if known is None else known.tokens
    module = TrainingPass(model, data.targets.entities, asked)
    module, optimiser = accelerator.prepare(module, optimiser)
    # Made on what the accelerator returned, but not prepared by it: accelerate would step it once
    # for each process.
    schedule = make_schedule(
        optimiser.optimizer, config.optim, epochs=config.epochs, steps=len(loader)
    )
    if sharded and config.optim.ema is not None:
        raise ConfigError(
            f"optim.ema = {config.optim.ema!r} cannot be had with FSDP, whose weights are spread "
            "over processes: set it to none, or train with DDP"
        )
    # What the loss reads at every step is where it is computed; tokens are cut on the CPU first.
    targets = replace(data.targets.to(accelerator.device), tokens=data.targets.tokens)
    ema = None if config.optim.ema is None else Ema(model, config.optim.ema)
    return Moving(
        accelerator, model, module, optimiser, schedule, ema, loader, data, targets, config
    )


def cautions(moving: Moving) -> list[str]:
    """What a user should know of these settings before they train for hours.

    Raises:
        ConfigError: If batch normalisation would be shown single images.
    """
    _, world = ranks()
    share = moving.config.batch // world
    size = moving.config.micro_batch or share
    norms = [n for n, m in moving.model.named_modules() if isinstance(m, _BatchNorm)]
    if not norms or size >= moving.config.batch:
        return []
    parts = -(-share // min(size, share))
    if share // parts < 2:  # a variance needs two
        raise ConfigError(
            f"micro_batch = {moving.config.micro_batch!r} leaves single images for batch "
            f"normalisation ({norms[0]!r}): take 2 or more, or a tower with layer normalisation"
        )
    return [
        f"batch normalisation ({len(norms)} layers) sees {share // parts} images at a time, not "
        f"{moving.config.batch}: the loss is that of the whole batch, its statistics are not"
    ]
