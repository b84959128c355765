"""An exponential moving average of the weights, which is what is scored and saved."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import torch
from torch import nn


class Ema:
    """The average of a model's weights over its steps.

    The average of the first steps is theirs alone: the decay grows as (1 + t) / (10 + t) until it
    reaches the one asked for. Running statistics of normalisation layers are averages already and
    are taken as they are.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Begin with the present weights.

        Args:
            model: Whose weights.
            decay: Share of the average that a step leaves.
        """
        self._model = model
        self._decay = decay
        self._steps = 0
        self._average = [p.detach().clone() for p in model.parameters()]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        own = [p.detach() for p in self._model.parameters()]
        torch._foreach_lerp_(self._average, own, 1 - decay)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage] - the only fast form

    @contextmanager
    def applied(self) -> Generator[None]:
        """The model has the averaged weights inside."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def state(self) -> dict[str, object]:
        """What `restore` needs beside the averaged weights, which the checkpoint itself holds."""
        # Copies: the checkpoint is written while the averaged weights are in the model.
        return {"steps": self._steps, "raw": [p.detach().clone() for p in self._model.parameters()]}

    @torch.no_grad()
    def restore(self, state: Mapping[str, object]) -> None:
        """Go on from a saved state; the model has the averaged weights when this object is made.

        Raises:
            ValueError: If it is no state of an average.
        """
        match state:
            case {"steps": int(steps), "raw": list(raw)}:
                self._steps = steps
                for own, saved in zip(self._model.parameters(), raw, strict=True):
                    own.copy_(saved)
            case _:
                raise ValueError(f"{sorted(state)} is no state of an average")

    @torch.no_grad()
    def _swap(self) -> None:
        for parameter, average in zip(self._model.parameters(), self._average, strict=True):
            held = parameter.detach().clone()
            parameter.copy_(average)
            average.copy_(held)
