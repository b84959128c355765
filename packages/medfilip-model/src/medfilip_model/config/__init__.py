"""What a run is: frozen configs, written as JSON beside everything that they made."""

from medfilip_model.config.base import Frozen
from medfilip_model.config.data import DataConfig
from medfilip_model.config.model import (
    FusionConfig,
    ImageTowerConfig,
    ModelConfig,
    TextTowerConfig,
)
from medfilip_model.config.objective import LossConfig, TargetConfig
from medfilip_model.config.optim import OptimConfig
from medfilip_model.config.run import TrainConfig, parse_config

__all__ = [
    "DataConfig",
    "Frozen",
    "FusionConfig",
    "ImageTowerConfig",
    "LossConfig",
    "ModelConfig",
    "OptimConfig",
    "TargetConfig",
    "TextTowerConfig",
    "TrainConfig",
    "parse_config",
]
