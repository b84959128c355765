import json
import shutil
from pathlib import Path

import pytest
import torch
from medfilip_model.checkpoint import Checkpoint, load_checkpoint, load_model, save_checkpoint
from medfilip_model.config import ModelConfig, TextTowerConfig
from medfilip_model.errors import CheckpointError
from medfilip_model.export import hub_folder
from medfilip_model.export.hub_folder import write_hub_folder
from medfilip_model.export.result import ExportError
from medfilip_model.model import MedFILIP


@pytest.fixture
def written(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    (tmp_path / "hub").mkdir()
    checks = write_hub_folder(tmp_path / "hub", checkpoint)
    assert [check.part for check in checks] == ["image vectors", "text vectors", "presence"]
    return tmp_path / "hub"


def test_it_is_loaded_with_its_records(written: Path, model: MedFILIP, checkpoint: Checkpoint):
    assert {p.name for p in written.iterdir()} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    }
    loaded = load_checkpoint(written)
    assert loaded.model.config == model.config
    assert not loaded.model.training
    for name, value in loaded.model.state_dict().items():
        assert torch.equal(value, model.state_dict()[name])
    assert loaded.config["config"]["recipe"] == "tiny"
    assert loaded.extra == checkpoint.extra


def test_nothing_of_this_machine_or_its_images_is_told(written: Path):
    content = (written / "config.json").read_text()
    assert "/home" not in content
    assert "mrs-doe" not in content


def test_a_bert_travels_with_it(tiny_model_config: ModelConfig, bert_folder: Path, tmp_path: Path):
    own = Path(shutil.copytree(bert_folder, tmp_path / "bert"))
    text = TextTowerConfig(kind="hf", name=str(own), context=12)
    model = MedFILIP(tiny_model_config.model_copy(update={"text": text})).eval()
    (tmp_path / "hub").mkdir()
    write_hub_folder(tmp_path / "hub", Checkpoint(model, {}))
    shutil.rmtree(own)
    moved = Path(shutil.move(tmp_path / "hub", tmp_path / "elsewhere"))
    loaded = load_model(moved)
    with torch.no_grad():
        expected = model.encode_text(["small left mass"])
        torch.testing.assert_close(loaded.encode_text(["small left mass"]), expected)
    assert loaded.config.text.name == "bert"
    # And from there into a checkpoint.
    save_checkpoint(tmp_path / "again", loaded, {}, {})
    assert load_model(tmp_path / "again")


@pytest.mark.parametrize("part", ["model.safetensors"])
def test_a_file_cut_short_is_refused(written: Path, part: str):
    (written / part).write_bytes((written / part).read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="is damaged"):
        load_model(written)


def test_a_config_of_another_version_is_refused(written: Path):
    path = written / "config.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "version": 9}))
    with pytest.raises(CheckpointError, match="version 9; this version of medfilip-model reads"):
        load_model(written)
    path.write_text(json.dumps({**content, "weights": None}))
    with pytest.raises(CheckpointError, match=r"config.json': weights"):
        load_model(written)


def test_a_folder_of_another_library_is_no_checkpoint(tmp_path: Path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CheckpointError, match="holds no complete checkpoint"):
        load_model(tmp_path)


def test_one_that_loads_as_another_model_is_refused(
    checkpoint: Checkpoint, model: MedFILIP, tmp_path: Path, monkeypatch
):
    other = MedFILIP(model.config).eval()
    monkeypatch.setattr(hub_folder, "load_model", lambda _: other)
    with pytest.raises(ExportError, match="image vectors differs"):
        write_hub_folder(tmp_path, checkpoint)
