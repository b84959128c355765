import json
import shutil
from pathlib import Path

import pytest
import torch
from medfilip_model.config import TextTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers import text_tower, tokenizer
from safetensors.torch import load_file, save_file

TEXTS = ["small left effusion", "mass"]


def config(name: Path | str | None, **more: object) -> TextTowerConfig:
    base = {"kind": "hf", "name": None if name is None else str(name), "context": 16}
    return TextTowerConfig.model_validate({**base, **more})


@pytest.fixture
def copy(bert_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bert_folder, tmp_path / "bert"))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@torch.no_grad()
def test_it_is_the_model_of_its_folder(pooling: str, bert_folder: Path):
    from transformers import AutoModel, AutoTokenizer

    found = config(bert_folder, weights="pretrained", pooling=pooling)
    tower = text_tower(found, 8).eval()
    theirs = AutoModel.from_pretrained(bert_folder).eval()
    for text in TEXTS:
        alone = AutoTokenizer.from_pretrained(bert_folder)(text, return_tensors="pt")
        hidden = theirs(**alone).last_hidden_state[0]
        pooled = hidden.mean(dim=0) if pooling == "mean" else hidden[0]
        expected = tower.projection(pooled)
        # In a batch with a longer text.
        row = tower(tokenizer(found)(TEXTS))[TEXTS.index(text)]
        torch.testing.assert_close(row, expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_random_weights_of_the_same_architecture(bert_folder: Path):
    torch.manual_seed(3)
    drawn = text_tower(config(bert_folder), 8)
    stored = text_tower(config(bert_folder, weights="pretrained"), 8)
    assert drawn.state_dict().keys() == stored.state_dict().keys()
    name = "model.embeddings.word_embeddings.weight"
    assert not torch.equal(drawn.state_dict()[name], stored.state_dict()[name])


def test_names_of_long_ago_and_heads_beside(copy: Path):
    """As in the first releases: a prefix, a head, and gains called gamma."""
    state = load_file(copy / "model.safetensors")
    old = {f"bert.{k.replace('LayerNorm.weight', 'LayerNorm.gamma')}": v for k, v in state.items()}
    save_file({**old, "cls.bias": torch.zeros(3)}, copy / "old.safetensors")
    expected = text_tower(config(copy, weights="pretrained"), 8).model.state_dict()
    found = text_tower(config(copy, weights=str(copy / "old.safetensors")), 8).model.state_dict()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_weights_that_are_not_there_or_not_all(copy: Path):
    state = load_file(copy / "model.safetensors")
    name = next(name for name in state if "query" in name)
    save_file({k: v for k, v in state.items() if k != name}, copy / "model.safetensors")
    with pytest.raises(ConfigError, match=f"{name}' is missing"):
        text_tower(config(copy, weights="pretrained"), 8)
    (copy / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"lacks model.safetensors or pytorch_model.bin"):
        text_tower(config(copy, weights="pretrained"), 8)
    assert text_tower(config(copy), 8)


def test_names():
    with pytest.raises(ConfigError, match=r"needs model.text.name: a folder or a hub name"):
        text_tower(config(None), 8)
    with pytest.raises(ConfigError, match=r"'./nowhere' is no folder"):
        text_tower(config("./nowhere"), 8)
    with pytest.raises(ConfigError, match=r"run 'hf download owner/model'; copy its files into a"):
        text_tower(config("owner/model"), 8)


def test_sizes_that_do_not_fit(copy: Path):
    with pytest.raises(ConfigError, match=r"context = 30: .* reads 24 tokens; give '--set"):
        text_tower(config(copy, context=30), 8)
    about = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**about, "vocab_size": 9}))
    with pytest.raises(ConfigError, match=r"its tokenizer has 15 tokens, its model 9"):
        text_tower(config(copy), 8)


def test_code_that_comes_with_a_model_is_not_run(copy: Path):
    about = json.loads((copy / "config.json").read_text())
    own = {**about, "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}}
    (copy / "config.json").write_text(json.dumps(own))
    (copy / "evil.py").write_text("raise SystemExit('ran')\n")
    with pytest.raises(ConfigError, match=r"asks for Python code of its own, which is never run"):
        text_tower(config(copy), 8)


def test_folders_that_are_none(copy: Path):
    (copy / "config.json").write_text("{")
    with pytest.raises(ConfigError, match=r"cannot be read"):
        text_tower(config(copy), 8)
    (copy / "config.json").write_text(json.dumps({"model_type": "t5"}))
    with pytest.raises(ConfigError, match=r"a model of kind 't5' is no plain text encoder"):
        text_tower(config(copy, weights=None), 8)
