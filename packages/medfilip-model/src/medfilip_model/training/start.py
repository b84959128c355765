"""Weights that training begins with: those of an earlier run of the same towers."""

from pathlib import Path

from torch import Tensor

from medfilip_model.checkpoint import load_checkpoint
from medfilip_model.config import ModelConfig
from medfilip_model.errors import CheckpointError, ConfigError
from medfilip_model.model import MedFILIP

# What must be equal for weights to mean the same; a size may differ where shapes allow it.
_TOWERS = ("embed", "image_norm", "image", "text")
# Settings of a tower that say where its weights came from, not what it is.
_ORIGINS = {"weights"}


def start_from(model: MedFILIP, run: Path) -> tuple[str, ...]:
    """Replace a new model's weights by those of a trained one.

    Both towers, the projections and the scale are taken: what a run on phantoms learnt of both is
    of use to a small set of real images. A fusion head that differs, in its places for example,
    keeps its random weights.

    Args:
        model: Its weights are replaced.
        run: A run or checkpoint folder.

    Returns:
        Names of the weights that stayed as they were.

    Raises:
        CheckpointError: If there is no whole checkpoint.
        ConfigError: If its towers are others, naming the first difference.
    """
    if not run.exists():
        raise CheckpointError(
            f"start = {str(run)!r} does not exist: train it first "
            f"(medfilip-train --recipe phantom-augmented --out {run}), "
            "or begin with random weights (--set start=none)"
        )
    other = load_checkpoint(run).model
    _check(model.config, other.config, run)
    own, given = model.state_dict(), other.state_dict()
    unfit = _unfit(own, given)
    # All of a head or nothing: a half of another head's weights is of no use.
    if any(name.startswith("fusion.") for name in unfit):
        unfit = {name for name in own if name.startswith("fusion.") or name in unfit}
    others = sorted(name for name in unfit if not name.startswith("fusion."))
    if others:
        raise ConfigError(
            f"start = {str(run)!r}: its {others[0]!r} does not fit model.size = "
            f"{model.config.size}; take model.size = {other.config.size}"
        )
    taken = {name: value for name, value in given.items() if name in own and name not in unfit}
    model.load_state_dict(taken, strict=False)
    return tuple(sorted(unfit))


def _unfit(own: dict[str, Tensor], given: dict[str, Tensor]) -> set[str]:
    return {
        name for name, value in own.items() if name not in given or given[name].shape != value.shape
    }


def _check(own: ModelConfig, other: ModelConfig, run: Path) -> None:
    mine, theirs = (
        config.model_dump(include=set(_TOWERS), exclude={"image": _ORIGINS, "text": _ORIGINS})
        for config in (own, other)
    )
    for name in _TOWERS:
        if mine[name] != theirs[name]:
            raise ConfigError(
                f"start = {str(run)!r}: its model.{name} is {theirs[name]!r}, this run's is "
                f"{mine[name]!r}; set them alike"
            )
