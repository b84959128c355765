"""What the fusion head answers for many images, without gradients."""

from collections.abc import Sequence

import numpy as np
import torch
from iki_knowledge import KnowledgeBase
from jaxtyping import Float, UInt8
from torch import Tensor

from medfilip_model.encode import encode_texts, evaluating
from medfilip_model.errors import ConfigError
from medfilip_model.fusion import FusionOutput
from medfilip_model.model import MedFILIP


def entity_queries(
    model: MedFILIP, categories: Sequence[str], kb: KnowledgeBase
) -> Float[Tensor, "K D"]:
    """Embed the explanations that stand for categories as entities, as training does.

    Args:
        model: The model.
        categories: K category ids, seen in training or not.
        kb: Dictionary.
    """
    return encode_texts(model, [kb.explain(category) for category in categories])


def ask(
    model: MedFILIP,
    pixels: UInt8[np.ndarray, "N H W"],
    queries: Float[Tensor, "K D"],
    *,
    need_attention: bool = False,
    batch: int = 64,
) -> FusionOutput:
    """Ask N images for K entities.

    Args:
        model: A model with a fusion head.
        pixels: Grey values.
        queries: From `entity_queries`.
        need_attention: Whether to return the attention maps too.
        batch: Images at a time.

    Returns:
        Logits, and attention where asked for, on the CPU.

    Raises:
        ConfigError: If the model has no fusion head.
    """
    head = model.fusion
    if head is None:
        raise ConfigError("the model has no fusion head: train one with --recipe fusion")
    if not len(pixels):
        return FusionOutput(torch.zeros((0, len(queries))), None, None)
    parts: list[FusionOutput] = []
    with evaluating(model):
        asked = queries.to(model.device)
        for start in range(0, len(pixels), batch):
            images = torch.from_numpy(np.array(pixels[start : start + batch])).unsqueeze(1)
            parts.append(head(model.encode_map(images), asked, need_attention=need_attention))
    return FusionOutput(
        presence=torch.cat([part.presence.float().cpu() for part in parts]),
        location=_joined([part.location for part in parts]),
        attention=_joined([part.attention for part in parts]),
    )


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    known = [part.float().cpu() for part in parts if part is not None]
    return torch.cat(known) if known else None
