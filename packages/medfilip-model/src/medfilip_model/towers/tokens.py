"""Texts to token ids, for each kind of text tower."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Int
from torch import Tensor

from medfilip_model.config import TextTowerConfig

# CLIP's byte-pair vocabulary has no padding token: 0 is "!", and only what stands behind the end
# token is padding.
CLIP_PAD = 0


@dataclass(frozen=True)
class Tokenizer:
    """Turns texts into the ids that a text tower reads.

    Attributes:
        pad: The id that fills up behind a text's end token.
        context: Most tokens of a text, start and end included; a longer text is cut before its end
            token, which stays.
        vocabulary: Ids are below this.
        encode: Texts, at least one → ids padded to any common length.
    """

    pad: int
    context: int
    vocabulary: int
    encode: Callable[[list[str]], Tensor]

    def __call__(self, texts: Sequence[str]) -> Int[Tensor, "M L"]:
        """Return the ids of M texts, padded to the longest of them."""
        if not texts:
            return torch.zeros((0, self.context), dtype=torch.long)
        return self.trim(self.encode(list(texts)))

    def trim(self, tokens: Int[Tensor, "M L"]) -> Int[Tensor, "M K"]:
        """Drop the columns at the end that hold padding only."""
        return trim(tokens, self.pad)


def trim(tokens: Int[Tensor, "M L"], pad: int = CLIP_PAD) -> Int[Tensor, "M K"]:
    """Drop the columns at the end that hold nothing but `pad`."""
    used = (tokens != pad).any(dim=0).nonzero()
    return tokens[:, : int(used[-1]) + 1] if len(used) else tokens


def tokenizer(config: TextTowerConfig) -> Tokenizer:
    """Make the tokenizer of a text tower, or return the one made before.

    Raises:
        ConfigError: If it is not to be had.
    """
    if config.kind == "hf":
        return _bert_tokenizer(config.name, config.context)
    return _clip_tokenizer(config.context)


@cache
def _clip_tokenizer(context: int) -> Tokenizer:
    bpe = _clip_bpe()

    def encode(texts: list[str]) -> Tensor:
        return bpe(texts, context_length=context)

    return Tokenizer(CLIP_PAD, context, bpe.vocab_size, encode)


@cache
def _bert_tokenizer(name: str | None, context: int) -> Tokenizer:
    from medfilip_model.towers.bert import model_folder, read_folder

    _, tokens = read_folder(model_folder(name))

    def encode(texts: list[str]) -> Tensor:
        return tokens(
            texts,
            padding=True,
            padding_side="right",
            truncation=True,
            max_length=context,
            return_tensors="pt",
        )["input_ids"]

    return Tokenizer(tokens.pad_token_id, context, len(tokens), encode)


@cache
def _clip_bpe():  # noqa: ANN202 - open_clip's class has no types
    """CLIP's byte-pair tokenizer, which comes with open_clip."""
    import open_clip.tokenizer

    return open_clip.tokenizer.SimpleTokenizer()
