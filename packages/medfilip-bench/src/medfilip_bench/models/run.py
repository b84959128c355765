"""Runs of medfilip-train, their checkpoints and the hub folders made of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from iki_knowledge import KnowledgeBase
from jaxtyping import Float, UInt8
from medfilip_model.checkpoint import load_checkpoint
from medfilip_model.checkpoint.about import trained_on
from medfilip_model.config import DataConfig, parse_config
from medfilip_model.export.result import ExportError
from medfilip_model.export.timm import as_timm
from medfilip_model.heatmap import heatmap
from medfilip_model.model import MedFILIP

from medfilip_bench.models.backbones import run_backbone
from medfilip_bench.models.base import Backbone, Heatmap, LoadedModel
from medfilip_bench.models.identity import hash_weights, slug


def load_run(path: str, device: str) -> LoadedModel:
    """Load a run of medfilip-train.

    Args:
        path: The run folder, a checkpoint folder of it, or its export as a hub folder.
        device: Where it is put.

    Raises:
        CheckpointError: If it is missing, incomplete or damaged.
    """
    folder = Path(path).expanduser()
    checkpoint = load_checkpoint(folder)
    model = checkpoint.model
    data = parse_config(checkpoint.config["config"]).data
    return LoadedModel(
        name=slug(folder.resolve().name),
        spec=f"run:{path}",
        model=model.to(device),
        sha256=hash_weights(model),
        size=model.config.size,
        trained_on=trained_on(checkpoint.config).words,
        saw_images=data.folder is not None,
        saw=() if data.folder is None else (str(data.folder),),
        template=data.template,
        normal=data.normal,
        backbone=_backbone(model),
        heatmap=_heatmap(model, data),
        heatmap_kind="occlusion" if model.fusion is None else "attention",
        device=device,
    )


def _backbone(model: MedFILIP) -> Callable[[], Backbone] | None:
    try:
        as_timm(model)
    except ExportError:
        # A tower that timm has no network like; what needs a backbone says that there is none.
        return None
    return lambda: run_backbone(model)


def _heatmap(model: MedFILIP, data: DataConfig) -> Heatmap:
    def look(
        pixels: UInt8[np.ndarray, "N S S"], categories: Sequence[str], kb: KnowledgeBase
    ) -> Float[np.ndarray, "N K S S"]:
        return heatmap(
            model, pixels, kb, categories, normal=data.normal, template=data.template
        ).values

    return look
