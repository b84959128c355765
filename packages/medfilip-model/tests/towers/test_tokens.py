from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_model.config import TextTowerConfig
from medfilip_model.towers import Tokenizer, tokenizer, trim

KINDS = ["clip", "open_clip", "hf"]


def make(kind: str, folder: Path, context: int = 16) -> Tokenizer:
    name = {"clip": None, "open_clip": "tiny-RN", "hf": str(folder)}[kind]
    return tokenizer(
        TextTowerConfig.model_validate({"kind": kind, "name": name, "context": context})
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_text_is_cut_before_its_end_token(kind: str, bert_folder: Path):
    tokens = make(kind, bert_folder, 10)(["effusion " * 40, "mass"])
    assert tokens.shape == (2, 10)
    short = tokens[1][tokens[1] != make(kind, bert_folder).pad]
    assert tokens[0, 0] == short[0]
    end = short[-1]
    assert tokens[0, -1] == end
    assert (tokens[0] == end).sum() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_padded_to_the_longest(kind: str, bert_folder: Path):
    split = make(kind, bert_folder)
    tokens = split(["mass", "small left mass"])
    assert (tokens != split.pad).any(dim=0).all()
    assert (tokens[0] == split.pad).sum() == 2
    assert split.trim(tokens[:1]).shape == (1, 3)
    assert split([]).shape == (0, 16)
    assert tokens.max() < split.vocabulary


@given(st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=5), min_size=1, max_size=4))
@settings(deadline=None)
def test_trimming_loses_padding_only(rows: list[list[int]]):
    tokens = torch.zeros(len(rows), 8, dtype=torch.long)
    for n, row in enumerate(rows):
        tokens[n, : len(row)] = torch.tensor(row)
    trimmed = trim(tokens)
    assert trimmed.shape[1] == max(map(len, rows))
    assert torch.equal(tokens[:, : trimmed.shape[1]], trimmed)


def test_a_token_that_looks_like_padding_within_a_text():
    """CLIP's token 0 is "!": counting columns, not looking for the last, would cut the end."""
    tokens = torch.tensor([[7, 0, 5, 9, 0, 0]])
    assert trim(tokens).tolist() == [[7, 0, 5, 9]]


def test_the_same_tokenizer_is_made_once():
    assert tokenizer(TextTowerConfig()) is tokenizer(TextTowerConfig(width=64))
