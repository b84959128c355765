"""The runs of the paper's ablation: one a row and seed, trained when it is not there yet."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from iki_knowledge import KnowledgeBase
from medfilip_model import TrainConfig, recipes
from medfilip_model.checkpoint import Checkpoint, load_checkpoint
from medfilip_model.errors import CheckpointError
from medfilip_model.progress import Listener
from medfilip_model.recipes import AblationRow
from medfilip_model.training.resume import differences

from medfilip_bench.pretrained import train_on_reports
from medfilip_bench.profiles import Profile

# Says where the findings lie that were read in the reports; what they hold follows from the rest.
_WHERE = "data.findings: "


def step_config(
    row: AblationRow, seed: int, base: TrainConfig, profile: Profile, folder: Path
) -> TrainConfig:
    """Return the config of one row and seed.

    Args:
        row: Which.
        seed: Of the weights and the order of the images.
        base: The run that the rows derive from.
        profile: How many phantoms, how many passes.
        folder: Where the runs are.
    """
    return recipes.ablation(row, base).replace(
        out=folder / f"{row}-seed{seed}",
        seed=seed,
        epochs=profile.ablation_epochs,
        data__train=profile.ablation_train,
    )


def trained(config: TrainConfig, kb: KnowledgeBase, folder: Path, listener: Listener) -> Path:
    """Return a finished run of a config, trained now where there is none.

    A run that was stopped is gone on with; one of another config or dictionary is replaced.

    Args:
        config: The run.
        kb: The dictionary.
        folder: Where reports and findings are written.
        listener: Hears of progress.
    """
    if is_run_of(config, kb):
        return config.out
    listener.note(f"ablation: {config.out.name}")
    before = _checkpoint(config.out)
    if before is not None and _resolved(before).get("knowledge") != kb.version:
        listener.note(f"{config.out.name} is trained anew: its dictionary was another")
        shutil.rmtree(config.out)
    return train_on_reports(config, kb, folder, listener)


def is_run_of(config: TrainConfig, kb: KnowledgeBase) -> bool:
    """Return whether a folder holds a finished run of a config, wherever it was trained.

    Args:
        config: The run; its findings are those read in reports, whatever their file is called.
        kb: The dictionary that it must have been trained with.
    """
    checkpoint = _checkpoint(config.out)
    if checkpoint is None or checkpoint.extra.get("finished") is not True:
        return False
    before = cast("Mapping[str, object]", checkpoint.config.get("config") or {})
    data = cast("Mapping[str, object]", before.get("data") or {})
    if data.get("findings") is None or _resolved(checkpoint).get("knowledge") != kb.version:
        return False
    others = differences(before, config.model_dump(mode="json"))
    return not [other for other in others if not other.startswith(_WHERE)]


def _checkpoint(run: Path) -> Checkpoint | None:
    try:
        return load_checkpoint(run)
    except CheckpointError:
        return None


def _resolved(checkpoint: Checkpoint) -> Mapping[str, object]:
    """What the settings of a run came to."""
    return cast("Mapping[str, object]", checkpoint.config.get("resolved") or {})
