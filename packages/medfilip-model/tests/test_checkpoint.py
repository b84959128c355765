import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from medfilip_model import checkpoint
from medfilip_model.checkpoint import (
    BEST,
    LAST,
    State,
    copy_checkpoint,
    load_checkpoint,
    load_model,
    load_state,
    remove_checkpoint,
    save_checkpoint,
)
from medfilip_model.config import ModelConfig
from medfilip_model.errors import CheckpointError
from medfilip_model.model import MedFILIP


@pytest.fixture
def saved(tiny_model: MedFILIP, tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "run" / LAST, tiny_model, {"seed": 1}, {"epoch": 3})
    return tmp_path / "run"


def weights_file(run: Path) -> Path:
    return next((run / LAST).glob("model-*.safetensors"))


def same_weights(a: MedFILIP, b: MedFILIP) -> bool:
    pairs = zip(a.state_dict().items(), b.state_dict().items(), strict=True)
    return all(x == y and torch.equal(v, w) for (x, v), (y, w) in pairs)


@pytest.mark.parametrize("where", [".", str(LAST)])
def test_load_after_save_is_identity(saved: Path, tiny_model: MedFILIP, where: str):
    loaded = load_checkpoint(saved / where)
    assert same_weights(loaded.model, tiny_model)
    assert loaded.model.config == tiny_model.config
    assert (loaded.config, loaded.extra) == ({"seed": 1}, {"epoch": 3})
    assert not loaded.model.training
    images = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(
        loaded.model.encode_image(images), tiny_model.eval().encode_image(images), rtol=0, atol=0
    )


def test_saving_again_replaces_and_leaves_no_litter(saved: Path, tiny_model_config: ModelConfig):
    other = MedFILIP(tiny_model_config)
    save_checkpoint(saved / LAST, other, {"seed": 2}, {})
    assert same_weights(load_model(saved), other)
    assert len(list((saved / LAST).iterdir())) == 3


def test_killed_between_any_two_files_the_old_checkpoint_stays(
    saved: Path, tiny_model: MedFILIP, tiny_model_config: ModelConfig, monkeypatch
):
    """Die at the first, second and third write; after the third the new one is in force."""
    new = MedFILIP(tiny_model_config)
    for survived in range(3):
        left = survived

        def write(path: Path, content: bytes) -> None:
            nonlocal left
            if left == 0:
                # The temporary file is there, the rename did not happen.
                path.with_name(f".{path.name}-dead.partial").write_bytes(content[:10])
                raise KeyboardInterrupt
            left -= 1
            path.write_bytes(content)

        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, "write_atomic", write)
            with pytest.raises(KeyboardInterrupt):
                save_checkpoint(saved / LAST, new, {"seed": 2}, {})
        assert same_weights(load_model(saved), tiny_model)
    save_checkpoint(saved / LAST, new, {"seed": 2}, {})
    assert same_weights(load_model(saved), new)
    assert len(list((saved / LAST).iterdir())) == 3


@pytest.fixture
def state() -> State:
    return State({"a/0": torch.arange(3.0)}, {"n": [1, None], "a": {"$tensor": "a/0"}})


def test_state_is_kept_beside_the_weights_and_replaced_with_them(
    saved: Path, tiny_model: MedFILIP, state: State
):
    assert load_state(saved / LAST) is None
    save_checkpoint(saved / LAST, tiny_model, {}, {}, state=state)
    back = load_state(saved / LAST)
    assert back is not None
    assert torch.equal(back.tensors["a/0"], state.tensors["a/0"])
    assert back.values == state.values
    assert len(list((saved / LAST).iterdir())) == 5
    save_checkpoint(saved / LAST, tiny_model, {}, {})
    assert load_state(saved / LAST) is None
    assert len(list((saved / LAST).iterdir())) == 3


@pytest.mark.parametrize("survived", range(5))
def test_a_full_disk_leaves_the_old_checkpoint_and_no_litter(
    saved: Path, tiny_model_config: ModelConfig, tiny_model: MedFILIP, state, monkeypatch, survived
):
    before = {path.name for path in (saved / LAST).iterdir()}
    left = survived
    real = checkpoint.os.fsync

    def full(number: int) -> None:
        nonlocal left
        if left == 0:
            raise OSError(28, "No space left on device")
        left -= 1
        real(number)

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"no space left \(\d+ MiB are needed.*is untouched"):
        save_checkpoint(saved / LAST, MedFILIP(tiny_model_config), {"x": 1}, {}, state=state)
    assert {path.name for path in (saved / LAST).iterdir()} == before
    assert same_weights(load_model(saved), tiny_model)


def test_a_copy_has_no_state_and_outlives_its_source(
    saved: Path, tiny_model: MedFILIP, tiny_model_config: ModelConfig, state: State, monkeypatch
):
    save_checkpoint(saved / LAST, tiny_model, {"seed": 1}, {"epoch": 2}, state=state)
    copy_checkpoint(saved / LAST, saved / BEST)
    save_checkpoint(saved / LAST, MedFILIP(tiny_model_config), {"seed": 2}, {})
    assert same_weights(load_model(saved / BEST), tiny_model)
    assert load_checkpoint(saved / BEST).extra == {"epoch": 2}
    assert load_state(saved / BEST) is None
    # Where the disk has no links.
    monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(OSError(1, "no")))
    copy_checkpoint(saved / LAST, saved / BEST)
    assert same_weights(load_model(saved / BEST), load_model(saved))
    assert len(list((saved / BEST).iterdir())) == 3
    remove_checkpoint(saved / BEST)
    assert not (saved / BEST).exists()


def test_a_truncated_state_is_refused(saved: Path, tiny_model: MedFILIP, state: State):
    save_checkpoint(saved / LAST, tiny_model, {}, {}, state=state)
    path = next((saved / LAST).glob("state-*.safetensors"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="is damaged"):
        load_state(saved / LAST)
    assert load_model(saved / LAST)


def test_version_one_is_read(saved: Path, tiny_model: MedFILIP):
    path = saved / LAST / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 1}))
    assert same_weights(load_model(saved), tiny_model)


def test_an_interrupted_write_leaves_no_file(tmp_path: Path, monkeypatch):
    def dies(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", dies)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.write_atomic(tmp_path / "a", b"content")
    assert list(tmp_path.iterdir()) == []


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
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 3}))
    with pytest.raises(CheckpointError, match="version 3; this version of medfilip-model reads"):
        load_model(saved)


def test_nothing_there(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"does not exist; train one with: medfilip-train"):
        load_model(tmp_path / "absent")
    with pytest.raises(CheckpointError, match="holds no complete checkpoint"):
        load_model(tmp_path)


def test_a_checkpoint_folder_can_be_moved(saved: Path, tiny_model: MedFILIP, tmp_path: Path):
    shutil.copytree(saved / LAST, tmp_path / "elsewhere")
    assert same_weights(load_model(tmp_path / "elsewhere"), tiny_model)
