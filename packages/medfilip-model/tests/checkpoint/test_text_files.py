"""A BERT-like text tower's configuration and tokenizer travel with the checkpoint."""

import shutil
from pathlib import Path

import pytest
import torch
from medfilip_model.checkpoint import (
    copy_checkpoint,
    load_model,
    remove_checkpoint,
    save_checkpoint,
)
from medfilip_model.config import ModelConfig, TextTowerConfig
from medfilip_model.errors import CheckpointError
from medfilip_model.model import MedFILIP

TEXTS = ["small left effusion", "mass in the upper lobe"]


@pytest.fixture
def own_bert(bert_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bert_folder, tmp_path / "bert"))


@pytest.fixture
def model(own_bert: Path, tiny_model_config: ModelConfig) -> MedFILIP:
    text = TextTowerConfig(kind="hf", name=str(own_bert), context=16)
    return MedFILIP(tiny_model_config.model_copy(update={"text": text})).eval()


@torch.no_grad()
def test_a_model_loads_where_its_encoder_is_not_to_be_had(
    model: MedFILIP, own_bert: Path, tmp_path: Path
):
    expected = model.encode_text(TEXTS)
    save_checkpoint(tmp_path / "a", model, {}, {})
    shutil.rmtree(own_bert)
    loaded = load_model(tmp_path / "a")
    torch.testing.assert_close(loaded.encode_text(TEXTS), expected, rtol=0, atol=0)
    # What the run was set to stays on record; what is read is beside the weights.
    assert loaded.config == model.config
    assert Path(str(loaded.text.name)).parent == tmp_path / "a"
    # So does a model that is saved once more, or copied.
    save_checkpoint(tmp_path / "b", loaded, {}, {})
    copy_checkpoint(tmp_path / "b", tmp_path / "c")
    shutil.rmtree(tmp_path / "a")
    shutil.rmtree(tmp_path / "b")
    again = load_model(tmp_path / "c")
    torch.testing.assert_close(again.encode_text(TEXTS), expected, rtol=0, atol=0)
    remove_checkpoint(tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_only_what_the_tower_reads_is_taken(model: MedFILIP, own_bert: Path, tmp_path: Path):
    (own_bert / "private.txt").write_text("not of the tokenizer")
    save_checkpoint(tmp_path / "a", model, {}, {})
    (texts,) = (tmp_path / "a").glob("text-*")
    names = {path.name for path in texts.iterdir()}
    assert {"config.json", "tokenizer.json"} <= names
    assert not names & {"private.txt", "model.safetensors"}


def test_files_of_an_earlier_tokenizer_are_removed(
    model: MedFILIP, tiny_model: MedFILIP, own_bert: Path, tmp_path: Path
):
    save_checkpoint(tmp_path / "a", model, {}, {})
    before = {path.name for path in (tmp_path / "a").glob("text-*")}
    (own_bert / "special_tokens_map.json").write_text('{"cls_token": "[CLS]"}')
    save_checkpoint(tmp_path / "a", model, {}, {})
    after = {path.name for path in (tmp_path / "a").glob("text-*")}
    assert len(before) == len(after) == 1
    assert before != after
    save_checkpoint(tmp_path / "a", tiny_model, {}, {})
    assert not list((tmp_path / "a").glob("text-*"))


def test_a_changed_tokenizer_is_refused(model: MedFILIP, tmp_path: Path):
    save_checkpoint(tmp_path / "a", model, {}, {})
    (path,) = (tmp_path / "a").glob("text-*/tokenizer.json")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(CheckpointError, match=r"tokenizer.json' is damaged"):
        load_model(tmp_path / "a")
    path.unlink()
    with pytest.raises(CheckpointError, match=r"cannot read .*tokenizer.json'"):
        load_model(tmp_path / "a")
