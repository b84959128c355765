"""A folder for a model hub: config.json, model.safetensors, the tokenizer, and a card."""

from pathlib import Path

import torch

from medfilip_model.checkpoint import Checkpoint, load_model
from medfilip_model.checkpoint.files import entry, to_json, to_safetensors
from medfilip_model.checkpoint.manifest import (
    HUB_CONFIG,
    HUB_FORMAT,
    HUB_TEXT,
    HUB_VERSION,
    HUB_WEIGHTS,
    HubConfig,
)
from medfilip_model.checkpoint.text_files import describe_text, text_files, write_text
from medfilip_model.export.description import published, published_model
from medfilip_model.export.encoders import PROBES, programs
from medfilip_model.export.result import Check, compare
from medfilip_model.export.tokenizer import write_tokenizer
from medfilip_model.model import MedFILIP


def write_hub_folder(folder: Path, checkpoint: Checkpoint) -> tuple[Check, ...]:
    """Write what `load_model` reads, under the names that hubs expect.

    Args:
        folder: An empty folder.
        checkpoint: The model, on the CPU, and the record of its training.

    Returns:
        How far both encoders and the fusion head are from the model when loaded again.

    Raises:
        ExportError: If they compute something else.
    """
    model = checkpoint.model
    weights = to_safetensors(model.state_dict())
    texts = text_files(model.text)
    described = describe_text(texts, HUB_TEXT)
    config = HubConfig(
        format=HUB_FORMAT,
        version=HUB_VERSION,
        model=published_model(model.config),
        weights=entry(HUB_WEIGHTS, weights),
        text=described,
        training=published(checkpoint.config),
        extra=published(checkpoint.extra),
    )
    (folder / HUB_WEIGHTS).write_bytes(weights)
    write_text(folder, described, texts)
    if described is None:
        write_tokenizer(folder, model)
    (folder / HUB_CONFIG).write_bytes(to_json(config.model_dump(mode="json")))
    return _checks(model, load_model(folder))


@torch.no_grad()
def _checks(model: MedFILIP, loaded: MedFILIP) -> tuple[Check, ...]:
    image, _ = programs(model)
    pairs = {
        "image vectors": [each.encode_image(image.probes[0]) for each in (model, loaded)],
        "text vectors": [each.encode_text(PROBES) for each in (model, loaded)],
    }
    if model.fusion is not None:
        pairs["presence"] = [_presence(each, image.probes[0]) for each in (model, loaded)]
    return tuple(compare(name, [a], [b]) for name, (a, b) in pairs.items())


def _presence(model: MedFILIP, images: torch.Tensor) -> torch.Tensor:
    assert model.fusion is not None
    return model.fusion(model.encode_map(images), model.encode_text(PROBES)).presence
