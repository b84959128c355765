"""Image and text towers: the only file that imports timm and open_clip."""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, cast

import torch
from jaxtyping import Int
from torch import Tensor, nn

from medfilip_model.config import ImageTowerConfig, TextTowerConfig
from medfilip_model.errors import ConfigError

# CLIP's byte-pair vocabulary has no padding token: 0 is "!", which no template writes.
PAD = 0


def image_tower(config: ImageTowerConfig) -> tuple[nn.Module, int]:
    """Make the image encoder with random weights.

    Args:
        config: Name and widths.

    Returns:
        A module [N, 1, H, W] → [N, F], and F.

    Raises:
        ConfigError: If timm has no such model or the model takes no such widths.
    """
    import timm

    if config.name not in timm.list_models():
        near = get_close_matches(config.name, timm.list_models(), n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "see timm.list_models()"
        raise ConfigError(f"timm has no model {config.name!r}; {hint}")
    widths: dict[str, Any] = config.model_dump(exclude={"name"}, exclude_none=True)
    try:
        tower = timm.create_model(
            config.name, pretrained=False, in_chans=1, num_classes=0, **widths
        )
    except TypeError as error:
        raise ConfigError(
            f"image tower {config.name!r} does not take {', '.join(widths)}: {error}"
        ) from error
    return tower, cast(int, tower.num_features)


def text_tower(config: TextTowerConfig, embed: int) -> nn.Module:
    """Make the text encoder with random weights: open_clip's transformer over CLIP's vocabulary.

    Attention runs both ways, and padding is masked: the text is read as a whole at its end token,
    and how far a batch is padded changes nothing.

    Args:
        config: Sizes.
        embed: Size D of the output.

    Returns:
        A module, token ids [M, L] → [M, D], for any L up to the context.

    Raises:
        ConfigError: If the heads do not divide the width.
    """
    from open_clip.transformer import TextTransformer

    if config.width % config.heads:
        raise ConfigError(f"text width {config.width} is no multiple of {config.heads} heads")
    return TextTransformer(
        context_length=config.context,
        vocab_size=_tokenizer().vocab_size,
        width=config.width,
        heads=config.heads,
        layers=config.layers,
        output_dim=embed,
        no_causal_mask=True,
        use_pad_mask=True,
        pad_id=PAD,
        pool_type="argmax",  # the end token has the highest id
    )


def tokenize(texts: Sequence[str], context: int) -> Int[Tensor, "M L"]:
    """Turn texts into token ids, cut at `context`, padded to the longest.

    Args:
        texts: M texts.
        context: Most tokens of a text, start and end included.

    Returns:
        Ids, with `PAD` behind the end token.
    """
    if not texts:
        return torch.zeros((0, context), dtype=torch.long)
    return trim(_tokenizer()(list(texts), context_length=context))


def trim(tokens: Int[Tensor, "M L"]) -> Int[Tensor, "M K"]:
    """Drop the columns that hold padding only."""
    used = int((tokens != PAD).any(dim=0).sum()) if len(tokens) else tokens.shape[1]
    return tokens[:, :used]


@cache
def _tokenizer():  # noqa: ANN202 - open_clip's class has no types
    import open_clip.tokenizer

    return open_clip.tokenizer.SimpleTokenizer()
