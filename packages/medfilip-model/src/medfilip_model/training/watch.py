"""Losses read from the device some steps at a time, and the one that is no number found."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from medfilip_model.training.records import TrainingError

# Steps between two looks: each makes the host wait for the device.
WINDOW = 20
# Image ids that an error names.
_NAMED = 64


class LossWatch:
    """Sums the losses of an epoch.

    A loss stays on its device until the window is full, a checkpoint is due or the epoch ends.
    """

    def __init__(
        self, epoch: int, ids: Callable[[int], Sequence[str]], *, total: float = 0.0
    ) -> None:
        """Begin an epoch, or go on in it.

        Args:
            epoch: Its number.
            ids: Ids of the images of a step, counted from 1.
            total: Sum of the losses before.
        """
        self._epoch = epoch
        self._ids = ids
        self._total = total
        self._waiting: list[tuple[int, Tensor]] = []

    def add(self, step: int, loss: Tensor) -> None:
        """Take a loss in.

        Raises:
            TrainingError: If one of the window is no number.
        """
        self._waiting.append((step, loss))
        if len(self._waiting) >= WINDOW:
            self.total()

    def total(self) -> float:
        """Sum of all losses so far.

        Raises:
            TrainingError: If one of them is no number.
        """
        if self._waiting:
            values = torch.stack([loss for _, loss in self._waiting]).tolist()
            for (step, _), value in zip(self._waiting, values, strict=True):
                if not math.isfinite(value):
                    raise TrainingError(self._fault(step, value))
                self._total += value
            self._waiting.clear()
        return self._total

    def _fault(self, step: int, value: float) -> str:
        ids = self._ids(step)
        named = ", ".join(map(repr, ids[:_NAMED]))
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        return (
            f"the loss is {value!r} at epoch {self._epoch} step {step}: lower the learning rate or "
            "use precision fp32; the last checkpoint is untouched. "
            f"The batch was of images {named}{more}"
        )
