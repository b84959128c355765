"""The training loop: config in, run folder out.

Not `train.py`: a submodule of that name would hide the public function `medfilip_model.train`.
"""

from medfilip_model.training.records import Epoch, Preempted, TrainingError, TrainResult
from medfilip_model.training.run import resolve_precision, train

__all__ = [
    "Epoch",
    "Preempted",
    "TrainResult",
    "TrainingError",
    "resolve_precision",
    "train",
]
