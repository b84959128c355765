"""A whole training run."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from medfilip_model.config.base import Frozen, Positive
from medfilip_model.config.data import DataConfig
from medfilip_model.config.model import ModelConfig
from medfilip_model.config.objective import LossConfig, TargetConfig
from medfilip_model.config.optim import OptimConfig
from medfilip_model.errors import ConfigError


class TrainConfig(Frozen):
    """A whole run: with the same machine and config the same weights come out.

    Attributes:
        recipe: Name of the recipe that it came from.
        out: The run folder.
        start: A run whose weights, of the same towers, training begins with; None: those that
            `model` names, or random ones.
        seed: Seed of weights, batches and augmentation.
        epochs: Passes over the training images.
        batch: Images a step, over all processes; the last incomplete batch of an epoch is left out.
        micro_batch: Images that pass the towers at a time; None: all of a process's share. Smaller
            ones need less memory and give the same gradient, at the cost of a second forward pass.
        precision: ``auto`` takes bfloat16 where the machine computes it natively, else float32.
        compile: Whether the towers are compiled.
        patience: Epochs without a better held-out AUC after which training stops; None: never.
        keep: Checkpoints kept beside the best one.
        save_steps: Steps within an epoch after which the run is saved as well; None: not by steps.
        save_minutes: Minutes after which it is saved within an epoch; None: not by time.
        trackers: Where scalars are logged.
        data: Images and findings.
        model: Towers.
        targets: What the similarities should be.
        loss: How far they are from it.
        optim: Optimiser.
    """

    recipe: str = "custom"
    out: Path = Path("runs/custom")
    start: Path | None = None
    seed: int = 0
    epochs: Positive = 5
    batch: Annotated[int, Field(ge=2)] = 64
    micro_batch: Positive | None = None
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    compile: bool = False
    patience: Positive | None = None
    keep: Positive = 1
    save_steps: Positive | None = None
    save_minutes: Annotated[float, Field(gt=0)] | None = 15.0
    trackers: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ("tensorboard",)
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    targets: TargetConfig = TargetConfig()
    loss: LossConfig = LossConfig()
    optim: OptimConfig = OptimConfig()

    def replace(self, **changes: object) -> "TrainConfig":
        """Return a copy with fields changed; ``data__train=8`` reaches into a nested config.

        Args:
            **changes: New values by field; ``__`` separates the levels.

        Raises:
            ConfigError: If a field is unknown or a value not allowed.
        """
        tree = self.model_dump()
        for key, value in changes.items():
            *path, last = key.split("__")
            node = tree
            for name in path:
                node = node.setdefault(name, {})
            node[last] = value
        return parse_config(tree)


def parse_config(tree: object) -> TrainConfig:
    """Validate a nested dictionary, such as a config.json holds.

    Raises:
        ConfigError: With the first fault: the field's path, what is wrong, and the value.
    """
    try:
        return TrainConfig.model_validate(tree)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"]) or "config"
        raise ConfigError(f"{where} = {fault['input']!r}: {fault['msg'].lower()}") from error
