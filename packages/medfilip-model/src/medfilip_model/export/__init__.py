"""Exports of a trained model, each compared with torch before it is put where it was asked for."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from medfilip_model.checkpoint import Checkpoint, load_checkpoint
from medfilip_model.checkpoint.files import to_safetensors
from medfilip_model.errors import CheckpointError
from medfilip_model.export.card import card
from medfilip_model.export.folder import fresh_folder, names_in, write_record
from medfilip_model.export.hub_folder import write_hub_folder
from medfilip_model.export.onnx import write_onnx
from medfilip_model.export.result import TOLERANCE, Check, Exported, ExportError, Kind
from medfilip_model.export.timm import write_timm
from medfilip_model.export.torchscript import write_torchscript

__all__ = ["KINDS", "TOLERANCE", "Check", "ExportError", "Exported", "Kind", "export"]

KINDS: Mapping[Kind, Callable[[Path, Checkpoint], tuple[Check, ...]]] = {
    "hub-folder": write_hub_folder,
    "onnx": write_onnx,
    "torchscript": write_torchscript,
    "timm": write_timm,
}


def export(run: Path, kind: Kind, out: Path) -> Exported:
    """Export a trained model, with a card.

    Args:
        run: A run folder (its last checkpoint is taken), a checkpoint folder, or a hub folder.
        kind: ``hub-folder`` (what `load_model` reads, to be uploaded as it is), ``onnx`` or
            ``torchscript`` (both encoders as programs), ``timm`` (the image tower).
        out: A folder that is missing, empty, or an earlier export; it changes only when the new
            export is complete and agrees with torch.

    Returns:
        What was written, and how far each part is from torch.

    Raises:
        ExportError: If `out` holds other files, the model cannot be exported so, or the export
            computes something else.
        CheckpointError: If there is no model, or the disk is full.
    """
    checkpoint = load_checkpoint(run)
    weights = hashlib.sha256(to_safetensors(checkpoint.model.state_dict())).hexdigest()
    try:
        with fresh_folder(out) as folder:
            checks = KINDS[kind](folder, checkpoint)
            name = out.resolve().name
            (folder / "README.md").write_text(
                card(kind, name, checkpoint, checks), encoding="utf-8"
            )
            write_record(folder, kind, checks, weights)
            files = names_in(folder)
    except OSError as error:
        raise CheckpointError(
            f"cannot write {str(out)!r}: {error.strerror or error}; what was there is untouched"
        ) from error
    return Exported(kind, out, files, checks)
