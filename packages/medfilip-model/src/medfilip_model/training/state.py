"""Everything that a run needs to go on as if it had not stopped."""

from dataclasses import asdict
from typing import Any, cast

import torch
from accelerate.utils import gather_object
from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass
from torch import Tensor
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)

from medfilip_model.checkpoint import State
from medfilip_model.errors import CheckpointError
from medfilip_model.training.gather import ranks
from medfilip_model.training.moving import Moving
from medfilip_model.training.records import Epoch
from medfilip_model.training.rng import all_states, set_all_states
from medfilip_model.training.tree import flatten, unflatten


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Progress:
    """How far a run is.

    Attributes:
        epochs: The complete ones.
        step: Steps done in the present one.
        total: Sum of their losses.
        seconds: Time that they took.
        finished: Whether nothing is left to do.
    """

    epochs: tuple[Epoch, ...] = ()
    step: int = 0
    total: float = 0.0
    seconds: float = 0.0
    finished: bool = False

    @property
    def number(self) -> int:
        """The present epoch, from 1."""
        return len(self.epochs) + 1


_PROGRESS = TypeAdapter(Progress)


def capture(moving: Moving, progress: Progress) -> State:
    """Take the state of a run. Collective: every process calls it, the first one's is written.

    The weights themselves are not in it but in the checkpoint's own file.
    """
    scaler = moving.accelerator.scaler
    tree: dict[str, object] = {
        "progress": asdict(progress),
        "optimiser": _optimiser_state(moving),
        "schedule": moving.schedule.state_dict(),
        "scaler": None if scaler is None else scaler.state_dict(),
        "ema": None if moving.ema is None else moving.ema.state(),
        "rng": _every_rng(moving),
    }
    return State(*flatten(tree))


def restore(moving: Moving, state: State) -> Progress:
    """Put a run back to where `capture` found it.

    Args:
        moving: Set up with the weights of the same checkpoint.
        state: What was captured.

    Returns:
        How far it was.

    Raises:
        CheckpointError: If the state does not fit the run.
    """
    try:
        tree = cast(dict[str, Any], unflatten(state.tensors, state.values))
        _set_optimiser_state(moving, tree["optimiser"])
        moving.schedule.load_state_dict(tree["schedule"])
        if moving.accelerator.scaler is not None and tree["scaler"] is not None:
            moving.accelerator.scaler.load_state_dict(tree["scaler"])
        if moving.ema is not None:
            moving.ema.restore(tree["ema"])
        rank, _ = ranks()
        if rank < len(tree["rng"]):
            set_all_states(tree["rng"][rank], moving.device)
        return _PROGRESS.validate_python(tree["progress"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"the training state does not fit this run: {error}") from error


def progress_of(state: State) -> Progress:
    """How far a run was, without a run.

    Raises:
        CheckpointError: If the state is not one of this version.
    """
    try:
        return _PROGRESS.validate_python(cast(dict[str, Any], state.values)["progress"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"the training state is not one of this version: {error}") from error


def _every_rng(moving: Moving) -> list[object]:
    own = all_states(moving.device)
    _, world = ranks()
    return [own] if world == 1 else cast(list[object], gather_object([own]))


def _optimiser_state(moving: Moving) -> dict[str, Any]:
    if moving.sharded:
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        return get_optimizer_state_dict(moving.module, moving.optimiser.optimizer, options=options)
    return moving.optimiser.optimizer.state_dict()


def _set_optimiser_state(moving: Moving, saved: dict[str, Any]) -> None:
    inner = moving.optimiser.optimizer
    if moving.sharded:
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        set_optimizer_state_dict(moving.module, inner, saved, options=options)
        return
    inner.load_state_dict(saved)
    for parameter, values in inner.state.items():
        for name, value in values.items():
            if name != "step" and isinstance(value, Tensor):
                # The file has rows in order; fused kernels read moments in the parameter's layout.
                # By number, not by shape: the logit scale of earlier runs was a scalar.
                moved = torch.empty_like(parameter, dtype=value.dtype)
                values[name] = moved.copy_(value.view(parameter.shape))
