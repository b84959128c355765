"""Fine-grained image-text pre-training on chest radiographs with soft targets.

Axis legend of every public signature:
    N  images        M  texts of a batch, each with one owner      U  unique texts
    C  classes       D  embedding       L  tokens        H W  pixels
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medfilip_model import recipes
    from medfilip_model.checkpoint import load_model
    from medfilip_model.config import TrainConfig
    from medfilip_model.errors import MedfilipError
    from medfilip_model.model import MedFILIP
    from medfilip_model.training import TrainResult, train

__version__ = "0.1.0"

__all__ = [
    "MedFILIP",
    "MedfilipError",
    "TrainConfig",
    "TrainResult",
    "load_model",
    "recipes",
    "train",
]

_HOME = {
    "MedFILIP": "model",
    "MedfilipError": "errors",
    "TrainConfig": "config",
    "TrainResult": "training",
    "load_model": "checkpoint",
    "recipes": "recipes",
    "train": "training",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that ``--help`` need not wait for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'medfilip_model' has no attribute {name!r}")
    module = importlib.import_module(f"medfilip_model.{_HOME[name]}")
    value: object = module if name == "recipes" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
