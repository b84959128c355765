import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from medfilip_model.checkpoint import (
    LAST,
    State,
    load_checkpoint,
    load_model,
    load_state,
    save_checkpoint,
)
from medfilip_model.errors import CheckpointError
from medfilip_model.model import MedFILIP

SameWeights = Callable[[MedFILIP, MedFILIP], bool]


def weights_file(run: Path) -> Path:
    return next((run / LAST).glob("model-*.safetensors"))


@pytest.mark.parametrize("where", [".", str(LAST)])
def test_load_after_save_is_identity(
    same_weights: SameWeights, saved: Path, tiny_model: MedFILIP, where: str
):
    loaded = load_checkpoint(saved / where)
    assert same_weights(loaded.model, tiny_model)
    assert loaded.model.config == tiny_model.config
    assert (loaded.config, loaded.extra) == ({"seed": 1}, {"epoch": 3})
    assert not loaded.model.training
    images = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(
        loaded.model.encode_image(images), tiny_model.eval().encode_image(images), rtol=0, atol=0
    )


def test_a_truncated_state_is_refused(saved: Path, tiny_model: MedFILIP, state: State):
    save_checkpoint(saved / LAST, tiny_model, {}, {}, state=state)
    path = next((saved / LAST).glob("state-*.safetensors"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="is damaged"):
        load_state(saved / LAST)
    assert load_model(saved / LAST)


def test_version_one_is_read(same_weights: SameWeights, saved: Path, tiny_model: MedFILIP):
    path = saved / LAST / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 1}))
    assert same_weights(load_model(saved), tiny_model)


def test_a_truncated_file_is_refused(saved: Path):
    path = weights_file(saved)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"is damaged: \d+ bytes read, \d+ written"):
        load_model(saved)


def test_a_flipped_bit_is_refused(saved: Path):
    path = weights_file(saved)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        load_model(saved)


def test_a_missing_part_is_refused(saved: Path):
    weights_file(saved).unlink()
    with pytest.raises(CheckpointError, match=r"cannot read .*safetensors'"):
        load_model(saved)


def test_a_pickle_is_never_loaded(saved: Path, tmp_path: Path):
    path = tmp_path / "model.pt"
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"is a file; give the run folder.*never loaded"):
        load_model(path)
    # A pickle in the place of the weights fails the hash; with a forged hash, the format.
    content = pickle.dumps({"a": 1})
    weights_file(saved).write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        load_model(saved)
    forge(saved, content)
    with pytest.raises(CheckpointError, match="does not fit this version"):
        load_model(saved)


def forge(run: Path, content: bytes) -> None:
    """Write other weights with a manifest that vouches for them."""
    import hashlib

    path = run / LAST / "manifest.json"
    manifest = json.loads(path.read_text())
    (run / LAST / manifest["files"]["weights"]["file"]).write_bytes(content)
    manifest["files"]["weights"]["sha256"] = hashlib.sha256(content).hexdigest()
    path.write_text(json.dumps(manifest))


def test_weights_of_another_model_are_refused(saved: Path):
    import safetensors.torch

    forge(saved, safetensors.torch.save({"other": torch.zeros(1)}))
    with pytest.raises(CheckpointError, match="does not fit this version"):
        load_model(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 3}', '{"epoch": 1}'])
def test_a_foreign_manifest_is_refused(saved: Path, text: str):
    (saved / LAST / "manifest.json").write_text(text)
    with pytest.raises(CheckpointError, match="is no manifest of a checkpoint"):
        load_model(saved)


def test_a_later_version_is_refused(saved: Path):
    path = saved / LAST / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 4}))
    with pytest.raises(CheckpointError, match="version 4; this version of medfilip-model reads"):
        load_model(saved)


def test_nothing_there(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"does not exist; train one with: medfilip-train"):
        load_model(tmp_path / "absent")
    with pytest.raises(CheckpointError, match="holds no complete checkpoint"):
        load_model(tmp_path)


def test_a_checkpoint_folder_can_be_moved(
    same_weights: SameWeights, saved: Path, tiny_model: MedFILIP, tmp_path: Path
):
    shutil.copytree(saved / LAST, tmp_path / "elsewhere")
    assert same_weights(load_model(tmp_path / "elsewhere"), tiny_model)
