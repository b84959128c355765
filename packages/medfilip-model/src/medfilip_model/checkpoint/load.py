"""Reading checkpoints, and the folders that `medfilip_model.export` makes of them for hubs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError

from medfilip_model.checkpoint.files import FileEntry, read_verified
from medfilip_model.checkpoint.manifest import (
    HUB_CONFIG,
    LAST,
    MANIFEST,
    TextFiles,
    is_hub_config,
    read_hub_config,
    read_manifest,
)
from medfilip_model.checkpoint.save import State
from medfilip_model.checkpoint.text_files import verified_text
from medfilip_model.config import ModelConfig
from medfilip_model.errors import CheckpointError
from medfilip_model.model import MedFILIP


@dataclass(frozen=True)
class Checkpoint:
    """A model and what was written beside it.

    Attributes:
        model: With its weights, in evaluation mode, on the CPU.
        config: The training config as written.
        extra: Whatever else the manifest says: epoch, scores, versions.
    """

    model: MedFILIP
    config: Mapping[str, object]
    extra: Mapping[str, object] = field(default_factory=dict)


def load_state(folder: Path) -> State | None:
    """Read and verify the training state of a checkpoint.

    Args:
        folder: A checkpoint folder.

    Returns:
        The state, or None where the checkpoint was written without one.

    Raises:
        CheckpointError: If the checkpoint is missing or damaged.
    """
    manifest = read_manifest(folder / MANIFEST)
    if not {"tensors", "state"} <= manifest.files.keys():
        return None
    content = read_verified(folder, manifest.files["tensors"])
    values = read_verified(folder, manifest.files["state"])
    try:
        return State(safetensors.torch.load(content), json.loads(values))
    except (SafetensorError, json.JSONDecodeError) as error:
        raise CheckpointError(f"the training state in {str(folder)!r} is damaged") from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and verify a checkpoint.

    Args:
        path: A run folder (its last checkpoint is taken), a checkpoint folder, or a hub folder
            that ``medfilip export`` made.

    Returns:
        The model and its records.

    Raises:
        CheckpointError: If it is missing, incomplete, damaged, or no checkpoint of this package.
    """
    folder = _find(path)
    if not (folder / MANIFEST).is_file():
        hub = read_hub_config(folder / HUB_CONFIG)
        model = _model(folder, hub.model, hub.weights, hub.text)
        return Checkpoint(model, hub.training, hub.extra)
    manifest = read_manifest(folder / MANIFEST)
    model = _model(folder, manifest.model, manifest.files["weights"], manifest.text)
    config = json.loads(read_verified(folder, manifest.files["config"]))
    return Checkpoint(model, config, manifest.extra)


def load_model(path: Path | str, *, device: torch.device | str = "cpu") -> MedFILIP:
    """Load a trained model.

    Args:
        path: A run folder, such as ``runs/phantom``, a checkpoint folder, or a hub folder.
        device: Where to put it.

    Returns:
        The model in evaluation mode.

    Raises:
        CheckpointError: If it is missing, incomplete, damaged, or no checkpoint of this package.
    """
    return load_checkpoint(Path(path)).model.to(device)


def _model(
    folder: Path, config: ModelConfig, weights: FileEntry, text: TextFiles | None
) -> MedFILIP:
    content = read_verified(folder, weights)
    text_folder = verified_text(folder, text)
    try:
        model = MedFILIP(config, load=False, text_folder=text_folder)
        model.load_state_dict(safetensors.torch.load(content))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"checkpoint {str(folder)!r} does not fit this version of medfilip-model: {reason}"
        ) from error
    return model.eval()


def _find(path: Path) -> Path:
    if path.is_file():
        raise CheckpointError(
            f"{str(path)!r} is a file; give the run folder or the checkpoint folder "
            "(a pickled .pt or .ckpt is never loaded)"
        )
    for folder in (path, path / LAST):
        if (folder / MANIFEST).is_file():
            return folder
    if is_hub_config(path / HUB_CONFIG):
        return path
    state = "holds no complete checkpoint" if path.is_dir() else "does not exist"
    raise CheckpointError(f"{str(path)!r} {state}; train one with: medfilip-train --out {path}")
