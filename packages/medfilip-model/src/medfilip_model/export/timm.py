"""timm: the image tower as a timm model with one grey channel, for what is built on timm."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from medfilip_model.checkpoint import Checkpoint
from medfilip_model.checkpoint.files import to_json, to_safetensors
from medfilip_model.export.encoders import programs
from medfilip_model.export.quiet import quiet
from medfilip_model.export.result import Check, ExportError, compare
from medfilip_model.model import MedFILIP

CONFIG, WEIGHTS = "config.json", "model.safetensors"
# open_clip's transformers and timm's, where both have the same.
_TRANSFORMERS = {
    "ViT-B-32": "vit_base_patch32_clip_224",
    "ViT-B-16": "vit_base_patch16_clip_224",
    "ViT-L-14": "vit_large_patch14_clip_224",
}
_RESNET = re.compile(r"RN(?P<kind>50|101|50x4|50x16|50x64)(-quickgelu)?")


@dataclass(frozen=True)
class TimmModel:
    """How timm makes the image tower.

    Attributes:
        name: The architecture.
        state: Its weights.
        options: What `timm.create_model` is given beside the name, JSON.
    """

    name: str
    state: Mapping[str, Tensor]
    options: Mapping[str, Any] = field(default_factory=dict)


def write_timm(folder: Path, checkpoint: Checkpoint) -> tuple[Check, ...]:
    """Write model.safetensors and config.json, as timm reads them from a folder or a hub.

    Args:
        folder: An empty folder.
        checkpoint: The model, on the CPU.

    Returns:
        How far the pooled features of timm's own model are from the tower's, loaded from the file
        of weights and from the folder, and the last map of its feature extractor.

    Raises:
        ExportError: If timm has no such network, or it computes something else.
    """
    model = checkpoint.model
    made = as_timm(model)
    (folder / WEIGHTS).write_bytes(to_safetensors(made.state))
    (folder / CONFIG).write_bytes(to_json(_config(made, model)))
    return _checks(folder, made, model)


def as_timm(model: MedFILIP) -> TimmModel:
    """Name the image tower and its weights as timm does.

    Raises:
        ExportError: If timm has no such network.
    """
    config, trunk = model.config.image, model.image_tower.trunk
    network: Any = getattr(trunk, "model")  # noqa: B009 - no part of the trunks' protocol
    options: dict[str, Any] = {"in_chans": 1, "num_classes": 0}
    if config.kind == "open_clip":
        return _of_open_clip(model, network, options)
    if config.kind == "timm":
        widths = config.model_dump(include={"channels", "stem_width"}, exclude_none=True)
        options |= {name: list(v) if isinstance(v, tuple) else v for name, v in widths.items()}
        if hasattr(network, "set_input_size"):
            options["img_size"] = model.config.size
    # torchvision's ResNets have timm's names; that they compute the same is checked below.
    return TimmModel(config.name.partition(".")[0], network.state_dict(), options)


def _of_open_clip(model: MedFILIP, network: nn.Module, options: dict[str, Any]) -> TimmModel:
    from medfilip_model.towers.open_clip_models import quick_gelu

    config = model.config.image
    name = config.name.removesuffix("-quickgelu")
    if found := _RESNET.fullmatch(config.name):
        architecture = f"resnet{found['kind']}_clip"
    elif name in _TRANSFORMERS:
        quick = quick_gelu(config.name, config.weights)
        architecture = _TRANSFORMERS[name].replace(
            "_clip_", "_clip_quickgelu_" if quick else "_clip_"
        )
    else:
        known = ", ".join(("RN50 and its likes", *_TRANSFORMERS))
        raise ExportError(f"timm has no network like open_clip's {config.name!r}; it has {known}")
    # The projection that ends CLIP's tower is timm's classifier.
    options |= {"num_classes": model.image_tower.features, "img_size": model.config.size}
    state = {f"visual.{key}": value for key, value in network.state_dict().items()}
    return TimmModel(architecture, _renamed(architecture, options, state), options)


def _renamed(name: str, options: Mapping[str, Any], state: dict[str, Tensor]) -> dict[str, Tensor]:
    """CLIP's names to timm's, by timm's own table."""
    import timm

    network = timm.create_model(name, pretrained=False, **options)
    family = sys.modules[timm.model_entrypoint(name).__module__]
    convert: Any = getattr(family, "_convert_openai_clip")  # noqa: B009 - the table is private
    renamed: dict[str, Tensor] = convert(state, network)
    return renamed


def _config(made: TimmModel, model: MedFILIP) -> dict[str, Any]:
    """Timm's config.json; each image is standardised alone, so that mean and deviation say 0, 1."""
    size = model.config.size
    classes = made.options["num_classes"]
    return {
        "architecture": made.name,
        "num_classes": classes,
        "num_features": model.image_tower.features,
        "pretrained_cfg": {
            "input_size": [1, size, size],
            "num_classes": classes,
            "mean": [0.0],
            "std": [1.0],
            "interpolation": "bilinear",
            "crop_pct": 1.0,
            "crop_mode": "center",
            "custom_load": False,
        },
        "model_args": dict(made.options),
    }


@torch.no_grad()
def _checks(folder: Path, made: TimmModel, model: MedFILIP) -> tuple[Check, ...]:
    import timm

    image, _ = programs(model)
    pixels = [(probe - probe.mean()) / probe.std() for probe in image.probes]
    tower = model.image_tower
    expected = [tower(probe) for probe in pixels]
    try:
        with quiet("timm"):
            path = str(folder / WEIGHTS)
            file = timm.create_model(made.name, checkpoint_path=path, **made.options)
            whole = timm.create_model(f"local-dir:{folder}", pretrained=True)
            maps = timm.create_model(
                f"local-dir:{folder}", pretrained=True, features_only=True, out_indices=[-1]
            )
    except (RuntimeError, TypeError, AttributeError) as error:
        line = str(error).splitlines()[0]
        raise ExportError(f"timm does not load the image tower as {made.name!r}: {line}") from error
    checks = [
        compare(WEIGHTS, expected, [file.eval()(probe) for probe in pixels]),
        compare("the folder", expected, [whole.eval()(probe) for probe in pixels]),
    ]
    grids = [tower.forward_map(probe) for probe in pixels]
    found = [maps.eval()(probe)[0] for probe in pixels]
    # A feature extractor leaves out what an EfficientNet's head or a transformer has last.
    same = [a.shape for a in grids] == [b.shape for b in found]
    if same and not hasattr(whole, "num_prefix_tokens"):
        checks.append(compare("features_only", grids, found))
    return tuple(checks)
