"""Files that hold more than tensors: taken apart without running anything, or refused."""

import argparse
import sys
import types

import pytest
import torch
from medfilip_bench.errors import ModelError
from medfilip_bench.models.restricted import LAYERS, SETTINGS, read_restricted
from torch import nn


def network():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Sequential(nn.Linear(2, 3)))


def test_a_whole_network_gives_its_state_dict(tmp_path):
    made, path = network(), tmp_path / "whole.pt"
    torch.save(made, path)
    found, own = read_restricted("x", path, LAYERS), made.state_dict()
    assert list(found) == list(own)
    assert all(torch.equal(found[name], own[name]) for name in own)


def test_a_network_is_refused_where_layers_are_not_expected(tmp_path):
    torch.save(network(), tmp_path / "whole.pt")
    with pytest.raises(ModelError, match="can run code and is not loaded"):
        read_restricted("x", tmp_path / "whole.pt", SETTINGS)


def test_settings_beside_the_weights_are_passed_over(tmp_path, monkeypatch):
    fake = types.ModuleType("omegaconf")
    kind = type("DictConfig", (dict,), {"__module__": "omegaconf"})
    fake.DictConfig = kind
    monkeypatch.setitem(sys.modules, "omegaconf", fake)
    settings = argparse.Namespace(lr=0.1, kind=int)
    path = tmp_path / "x.ckpt"
    state = {"a": torch.ones(2)}
    torch.save({"hyper_parameters": settings, "more": kind, "state_dict": state}, path)
    monkeypatch.delitem(sys.modules, "omegaconf")
    path = path.rename(tmp_path / "x.pt")
    assert read_restricted("x", path, SETTINGS)["a"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("families", [LAYERS, SETTINGS, (*LAYERS, *SETTINGS)])
def test_a_pickle_that_runs_code_is_refused(bomb, families):
    path, crater = bomb
    with pytest.raises(ModelError, match="can run code and is not loaded"):
        read_restricted("x", path, families)
    assert not crater.exists()


def test_the_bomb_is_live(bomb):
    """What the tests above rest on: loaded with its code, the file does what they look for."""
    path, crater = bomb
    torch.load(path, weights_only=False)
    assert crater.is_dir()


def test_constructors_of_a_named_family_are_not_called(tmp_path, monkeypatch):
    """A constructor may open files; the class that a file names is not even imported."""
    called = []

    class Sly(nn.Module):
        def __init__(self, *_args):
            super().__init__()
            called.append(1)

        def __reduce__(self):
            return Sly, ("file",)

    Sly.__module__, Sly.__qualname__ = "torch.nn.modules.sly", "Sly"
    fake = types.ModuleType("torch.nn.modules.sly")
    fake.Sly = Sly
    monkeypatch.setitem(sys.modules, "torch.nn.modules.sly", fake)
    torch.save(Sly(), tmp_path / "sly.pt")
    called.clear()
    with pytest.raises(ModelError):
        read_restricted("x", tmp_path / "sly.pt", LAYERS)
    assert called == []


def test_an_entry_that_is_no_tensor_is_refused(tmp_path):
    torch.save({"state_dict": {"a": torch.ones(1), "b": argparse.Namespace()}}, tmp_path / "x.pt")
    with pytest.raises(ModelError):
        read_restricted("x", tmp_path / "x.pt", SETTINGS)


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"PK\x03\x04 half a zip"])
def test_what_is_no_file_of_weights(tmp_path, content):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.pt"):
        read_restricted("x", tmp_path / "x.pt", LAYERS)
