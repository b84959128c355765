"""torchxrayvision's classifiers: the library's own numbers, from tensors alone."""

import warnings

import pytest
import torch
from iki_knowledge import load_knowledge
from medfilip_bench.errors import ModelError
from medfilip_bench.models import xray_vision
from medfilip_bench.models.base import Supervised
from medfilip_bench.models.registry import load

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    xrv = pytest.importorskip("torchxrayvision")

NAME = "densenet121-res224-all"


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A DenseNet as the release holds it: the whole network, pickled."""
    torch.manual_seed(0)
    network = xrv.models.DenseNet(num_classes=18).eval()
    with torch.no_grad():
        # On both sides of the operating points.
        network.classifier.bias.copy_(torch.linspace(-7, 3, 18))
    folder = tmp_path_factory.mktemp("xrv")
    torch.save(network, folder / "whole.pt")
    torch.save(network.state_dict(), folder / "state.pt")
    return network, folder


def test_scores_and_features_are_the_librarys(released, images):
    network, folder = released
    loaded = load(f"torchxrayvision:{NAME}@{folder / 'whole.pt'}")
    assert isinstance(loaded.model, Supervised)
    assert loaded.size == 224
    pixels = images(224)
    scaled = torch.from_numpy(xrv.utils.normalize(pixels.numpy(), 255))
    network.op_threshs = torch.tensor(xrv.models.model_urls[NAME]["op_threshs"])
    with torch.inference_mode():
        scores, features = network(scaled), network.features2(scaled)
        assert torch.allclose(loaded.model.score_classes(pixels), scores, atol=1e-5)
        assert torch.allclose(loaded.model.encode_image(pixels), features, atol=1e-4)
    network.op_threshs = None


def test_a_state_dict_is_the_same_model(released):
    _, folder = released
    one, other = (load(f"torchxrayvision:{NAME}@{folder / f}") for f in ("whole.pt", "state.pt"))
    assert one.sha256 == other.sha256


def test_each_output_has_its_category(released):
    found = load(f"torchxrayvision:{NAME}@{released[1] / 'state.pt'}").model.categories
    labels = xrv.models.model_urls[NAME]["labels"]
    assert dict(zip(labels, found, strict=True))["Effusion"] == "pleural_effusion"
    assert dict(zip(labels, found, strict=True))["Lung Opacity"] == "lung_opacity"
    named = [category for category in found if category is not None]
    assert len(named) == len(set(named)) >= 16


def test_of_two_labels_of_one_category_the_first_stands_for_it():
    found = xray_vision._categories(["Effusion", "", "Pleural_Effusion"], load_knowledge())
    assert found == ("pleural_effusion", None, None)


def test_outputs_that_were_not_trained_have_no_category(released):
    found = load(f"torchxrayvision:densenet121-res224-rsna@{released[1] / 'state.pt'}").model
    assert [c for c in found.categories if c is not None] == ["pneumonia", "lung_opacity"]


def test_maps_for_training(released, images):
    backbone = load(f"torchxrayvision:{NAME}@{released[1] / 'state.pt'}").backbone()
    assert backbone.channels == (64, 256, 512, 1024, 1024)
    assert backbone.strides == (2, 4, 8, 16, 32)
    with torch.inference_mode():
        assert backbone.module.eval()(images(64))[-1].shape == (2, 1024, 2, 2)


def test_weights_that_are_not_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(xrv.utils, "get_cache_dir", lambda: str(tmp_path))
    with pytest.raises(ModelError, match=r"on a connected machine run 'curl -LO .*@FILE'"):
        load(f"torchxrayvision:{NAME}")


def test_a_file_of_the_old_way_of_pickling_says_what_to_do(released, tmp_path):
    network, _ = released
    torch.save(network, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(ModelError, match=r"save_file\(torchxrayvision"):
        load(f"torchxrayvision:{NAME}@{tmp_path / 'old.pt'}")


def test_a_pickle_that_runs_code_is_refused(bomb):
    path, crater = bomb
    with pytest.raises(ModelError, match="can run code and is not loaded"):
        load(f"torchxrayvision:{NAME}@{path}")
    assert not crater.exists()


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torchxrayvision", None)
    with pytest.raises(ModelError, match="pip install torchxrayvision"):
        load(f"torchxrayvision:{NAME}")


def test_a_missing_weight_is_named(released, tmp_path):
    state = dict(released[0].state_dict())
    del state["classifier.bias"]
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(ModelError, match=r"'classifier\.bias' is missing"):
        load(f"torchxrayvision:{NAME}@{tmp_path / 'x.pt'}")
