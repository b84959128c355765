"""CheXzero (Tiu et al. 2022): OpenAI's CLIP ViT-B/32, trained on with MIMIC-CXR."""

import math
from typing import Any

from medfilip_model.towers.weights import State

from medfilip_bench.errors import ModelError
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.open_clip_model import make
from medfilip_bench.models.open_clip_recipe import Recipe
from medfilip_bench.models.spec import existing, split_options
from medfilip_bench.models.weights import read_weights

# Of pixels in 0..255, as the release says them.
_MEAN, _DEVIATION = 101.48761, 83.43944
# Channels of a head of attention.
_HEAD = 64


def load_chexzero(argument: str, device: str) -> LoadedModel:
    """Load CheXzero.

    Args:
        argument: One of the release's ``best_*.pt``.
        device: Where it is put.

    Raises:
        ModelError: If the file is missing or refused, or weights do not fit.
    """
    spec = f"chexzero:{argument}"
    main, _ = split_options("chexzero", argument)
    path = existing(spec, main, "one of the release's best_*.pt")
    config = _config(spec, read_weights(spec, path))
    preprocess = {"mean": (_MEAN / 255,) * 3, "std": (_DEVIATION / 255,) * 3}
    return make(
        spec,
        Recipe("chexzero", config, path, preprocess),
        "chexzero",
        device,
        "MIMIC-CXR: images and impressions (CheXzero's release)",
        saw_images=True,
    )


def _config(spec: str, state: State) -> dict[str, Any]:
    """Sizes of a CLIP, read off its weights."""
    try:
        patch, places = state["visual.conv1.weight"], state["visual.positional_embedding"]
        context, width = state["positional_embedding"].shape
        embed = state["text_projection"].shape[1]
        vocabulary = len(state["token_embedding.weight"])
    except KeyError as error:
        raise ModelError(f"{spec!r}: {error} is missing: it is no CLIP with a ViT") from error
    side = math.isqrt(len(places) - 1)
    return {
        "embed_dim": embed,
        # OpenAI's weights were trained with the approximate one.
        "quick_gelu": True,
        "vision_cfg": {
            "image_size": side * patch.shape[-1],
            "patch_size": patch.shape[-1],
            "width": len(patch),
            "head_width": _HEAD,
            "layers": _depth(state, "visual.transformer.resblocks."),
        },
        "text_cfg": {
            "context_length": context,
            "vocab_size": vocabulary,
            "width": width,
            "heads": max(width // _HEAD, 1),
            "layers": _depth(state, "transformer.resblocks."),
        },
    }


def _depth(state: State, start: str) -> int:
    found = {name[len(start) :].partition(".")[0] for name in state if name.startswith(start)}
    return len(found)
