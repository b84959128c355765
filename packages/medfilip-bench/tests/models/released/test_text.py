"""Text folders: sizes and vocabulary alone, no code."""

import json

import pytest
import torch
from medfilip_bench.errors import ModelError
from medfilip_bench.models.released.text import encoder_part, text_side


def test_tokens_and_mask(text_folder, spoken):
    texts, (first, second) = spoken
    side = text_side("x", str(text_folder))
    found = side.tokenizer(list(texts), 77)
    assert found["ids"].tolist() == [first[0].tolist(), [*second[0].tolist(), 0]]
    assert found["mask"].tolist() == [[1] * 5, [1] * 4 + [0]]
    assert side.tokenizer(["a " * 90], 8)["ids"].shape == (1, 8)


def test_the_hash_is_of_sizes_and_vocabulary(text_folder):
    before = text_side("x", str(text_folder)).sha256
    path = text_folder / "config.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"note": "nothing"}))
    assert text_side("x", str(text_folder)).sha256 == before
    path.write_text(json.dumps(content | {"num_attention_heads": 2}))
    other = text_side("x", str(text_folder)).sha256
    assert other != before
    with (text_folder / "vocab.txt").open("a", encoding="utf-8") as stream:
        stream.write("\nnodule")
    assert text_side("x", str(text_folder)).sha256 not in (before, other)


def test_a_vocabulary_of_another_model(text_folder):
    path = text_folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"vocab_size": 4}))
    with pytest.raises(ModelError, match=r"has 11 tokens, its config\.json 4"):
        text_side("x", str(text_folder))


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_config_that_is_none(text_folder, content):
    (text_folder / "config.json").write_text(content)
    with pytest.raises(ModelError, match="no BERT in"):
        text_side("x", str(text_folder))


def test_without_a_folder_the_hub_is_named(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"hf download a/b'.*give 'medclip:x\.bin,text=FOLDER'"):
        text_side("medclip:x.bin,text=a/b", "a/b")


def test_the_encoder_of_a_model_with_heads():
    one = torch.ones(1)
    assert encoder_part({"bert.a": one, "bert.pooler.b": one, "cls.c": one}) == {"a": one}
    assert encoder_part({"a": one, "pooler.b": one}) == {"a": one}
