"""Whether a run folder holds a run to go on with, one that is done, or one of another config."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import Tensor

from medfilip_model.checkpoint import LAST, MANIFEST, State, load_checkpoint, load_state
from medfilip_model.config import TrainConfig
from medfilip_model.errors import CheckpointError, ConfigError
from medfilip_model.training.state import Progress, progress_of

# Settings under which the same weights come out (micro_batch, workers: up to rounding), or that
# only say where to and what about.
_FREE = frozenset(
    {"recipe", "out", "micro_batch", "compile", "keep", "trackers", "save_steps", "save_minutes"}
    | {"data.workers"}
)
# What the settings came to when the run began.
_RESOLVED = ("encoder", "knowledge", "images", "train", "valid", "texts", "classes", "precision")


@dataclass(frozen=True)
class Resumable:
    """A checkpoint to go on from.

    Attributes:
        weights: Of the model.
        state: All else.
        progress: How far the run was.
        resolved: What its settings came to when it was written.
    """

    weights: Mapping[str, Tensor]
    state: State
    progress: Progress
    resolved: Mapping[str, Any]


def find_run(config: TrainConfig) -> Resumable | None:
    """Look for a run of this config in its folder.

    Returns:
        What to go on from; None where the folder holds no checkpoint.

    Raises:
        ConfigError: If the folder holds a run of another config, or one without training state.
        CheckpointError: If its checkpoint is damaged.
    """
    folder = config.out / LAST
    if not (folder / MANIFEST).is_file():
        return None
    saved = load_checkpoint(folder)
    record = cast(Mapping[str, Any], saved.config)
    before = record.get("config")
    if not isinstance(before, dict):
        raise ConfigError(_refusal(config.out, "a checkpoint without its config"))
    if different := differences(cast(dict[str, Any], before), config.model_dump(mode="json")):
        raise ConfigError(_refusal(config.out, f"a run of other settings ({', '.join(different)})"))
    state = load_state(folder)
    if state is None:
        raise ConfigError(_refusal(config.out, "a checkpoint without training state"))
    resolved = cast(Mapping[str, Any], record.get("resolved", {}))
    return Resumable(saved.model.state_dict(), state, progress_of(state), resolved)


def differences(before: Mapping[str, Any], now: Mapping[str, Any], path: str = "") -> list[str]:
    """Settings that differ and matter, as ``epochs: 5, now 10``."""
    found: list[str] = []
    for key in dict.fromkeys((*before, *now)):
        name, old, new = f"{path}{key}", before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            parts = cast(dict[str, Any], old), cast(dict[str, Any], new)
            found += differences(*parts, f"{name}.")
        elif old != new and name not in _FREE:
            found.append(f"{name}: {old!r}, now {new!r}")
    return found


def check_resolved(out: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise CheckpointError when the same settings have come to mean something else.

    Other images, another dictionary or another precision would make a run that is neither.
    """
    changed = [
        f"{name}: {before[name]!r}, now {now.get(name)!r}"
        for name in _RESOLVED
        if name in before and before[name] != now.get(name)
    ]
    if changed:
        raise CheckpointError(
            _refusal(out, f"a run whose inputs were others ({', '.join(changed)})")
        )


def _refusal(out: Path, what: str) -> str:
    return (
        f"{str(out)!r} holds {what}: give another folder (--out), or begin anew there "
        "(--no-resume); until its first checkpoint the earlier run stays as it is"
    )
