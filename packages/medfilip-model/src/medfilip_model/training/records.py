"""What a run leaves behind in memory: its epochs, its result, and the ways it can end early."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from medfilip_model.data.samples import Skipped
from medfilip_model.errors import MedfilipError


class TrainingError(MedfilipError):
    """Training cannot go on: the loss or a weight is no number."""


class Preempted(SystemExit):
    """A signal asked a run to stop, and all that it needs to go on is saved: exit code 0."""

    def __init__(self) -> None:
        super().__init__(0)


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images came to.

    Attributes:
        epoch: Counted from 1.
        loss: Mean loss of its batches.
        lr: Learning rate at its end.
        logit_scale: The learned scale at its end.
        images_per_second: Rate of its training steps, over all processes.
        seconds: Time of its training steps.
        macro_auc: Mean zero-shot AUC of the held-out images over the seen classes; None when
            undefined.
        auc: The same by class.
    """

    epoch: int
    loss: float
    lr: float
    logit_scale: float
    images_per_second: float
    seconds: float
    macro_auc: float | None
    auc: Mapping[str, float | None]


@dataclass(frozen=True)
class TrainResult:
    """A finished run.

    Attributes:
        out: The run folder; `load_model` takes it.
        epochs: One record an epoch, as metrics.jsonl has them.
        encoder: The encoder that made the targets.
        skipped: Files that could not be read.
        seconds: Time from the call to the end.
    """

    out: Path
    epochs: tuple[Epoch, ...]
    encoder: str
    skipped: tuple[Skipped, ...]
    seconds: float

    @property
    def macro_auc(self) -> float | None:
        """Held-out zero-shot macro AUC after the last epoch."""
        return self.epochs[-1].macro_auc

    @property
    def best(self) -> Epoch:
        """The epoch with the best held-out macro AUC; the last where none has one."""
        scored = [epoch for epoch in self.epochs if epoch.macro_auc is not None]
        return max(scored, key=lambda epoch: epoch.macro_auc or 0.0, default=self.epochs[-1])
