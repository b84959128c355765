"""Where a model looks for a class: its own map, or by hiding parts of the image."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from iki_knowledge import KnowledgeBase
from jaxtyping import Float, UInt8
from medfilip_model.grounding import upsample
from medfilip_model.heatmap import occlude
from torch import Tensor

from medfilip_bench.datasets.labelled import LabelClass
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.features import Encoder, unit
from medfilip_bench.models.base import ImageTextModel, Supervised, TextScorer
from medfilip_bench.tasks.prompting import class_texts


def heatmaps(
    encoder: Encoder,
    kb: KnowledgeBase,
    pixels: UInt8[np.ndarray, "N S S"],
    classes: Sequence[LabelClass],
    *,
    kinds: bool,
) -> Float[np.ndarray, "N K S S"]:
    """Map where some images show some classes, by the model's own map where it has one.

    Else by occlusion: how much less an image scores when a place is hidden. That takes some eighty
    passes an image beside the one that embeds it.

    Args:
        encoder: The model.
        kb: The dictionary.
        pixels: Grey values.
        classes: K classes.
        kinds: Whether classes are asked for by the texts of their kinds too.

    Raises:
        NotApplicableError: If the model cannot score a class.
    """
    loaded = encoder.loaded
    if loaded.heatmap is not None:
        return loaded.heatmap(pixels, [c.category for c in classes], kb)
    score = _scorer(encoder, kb, classes, kinds=kinds)
    images = torch.from_numpy(np.array(pixels)).unsqueeze(1).to(loaded.device)
    with torch.inference_mode():
        maps = upsample(occlude(score, images), pixels.shape[-1])
    return maps.float().cpu().numpy()


def _scorer(
    encoder: Encoder, kb: KnowledgeBase, classes: Sequence[LabelClass], *, kinds: bool
) -> Callable[[Tensor], Tensor]:
    """Images -> a score a class, against the text of an image without findings where it has one."""
    model, loaded = encoder.loaded.model, encoder.loaded
    if isinstance(model, Supervised):
        own = list(model.categories)
        missing = [c.name for c in classes if c.category not in own]
        if missing:
            raise NotApplicableError(f"the model {loaded.spec!r} has no class {missing[0]!r}")
        columns = [own.index(c.category) for c in classes]
        return lambda images: model.score_classes(images)[:, columns]
    texts = class_texts(loaded, kb, classes, kinds=kinds)
    if isinstance(model, TextScorer):
        flat = [text for part in texts for text in part]
        sizes = [len(part) for part in texts]

        def scored(images: Tensor) -> Tensor:
            parts = model.score_texts(images, flat).split(sizes, dim=1)
            return torch.stack([part.mean(dim=1) for part in parts], dim=1)

        return scored
    if not isinstance(model, ImageTextModel):
        raise NotApplicableError(f"the model {loaded.spec!r} has no text encoder")
    apart = torch.from_numpy(encoder.classes(texts) - encoder.texts([loaded.normal]))
    apart = apart.to(loaded.device)
    return lambda images: unit(model.encode_image(images)).to(apart.device) @ apart.T
