"""Image encoders of timm: random by seed, or with all weights of a file."""

import pytest
import timm
import torch
from medfilip_bench.errors import ModelError, UnknownNameError
from medfilip_bench.models.identity import hash_weights
from medfilip_bench.models.registry import load
from safetensors.torch import save_file


def test_random_weights_are_decided_by_the_seed(images):
    first = load("timm:resnet10t@random,size=32")
    again = load("timm:resnet10t@random:0,size=32")
    other = load("timm:resnet10t@random:1,size=32")
    assert first.sha256 == again.sha256 != other.sha256
    assert (first.size, first.name) == (32, "resnet10t-random-32px")
    assert first.trained_on == "nothing: random weights of seed 0"
    assert first.abilities == {"images", "backbone"}
    with torch.inference_mode():
        found = first.model.encode_image(images(32))
    assert found.shape == (2, 512)


def test_training_a_backbone_leaves_the_model_as_it_is():
    loaded = load("timm:resnet10t@random,size=32")
    before = hash_weights(loaded.model)
    module = loaded.backbone().module
    assert module.training
    assert all(value.requires_grad for value in module.parameters())
    with torch.no_grad():
        for value in module.parameters():
            value.zero_()
    assert hash_weights(loaded.model) == before
    assert not loaded.model.training


def test_another_size_is_another_model():
    one, other = (load(f"timm:resnet10t@random,size={side}") for side in (32, 64))
    assert one.sha256 != other.sha256


def test_a_file_is_read_whole_and_standardised_as_timm_says(tmp_path, images):
    network = timm.create_model("resnet10t", pretrained=False).eval()
    save_file(network.state_dict(), tmp_path / "own.safetensors")
    loaded = load(f"timm:resnet10t@{tmp_path / 'own.safetensors'}")
    pixels = images(loaded.size)
    mean, deviation = (
        torch.tensor(network.pretrained_cfg[key]).reshape(1, 3, 1, 1) for key in ("mean", "std")
    )
    with torch.inference_mode():
        wanted = network.forward_head(
            network.forward_features((pixels / 255 - mean) / deviation), pre_logits=True
        )
        assert torch.allclose(loaded.model.encode_image(pixels), wanted, atol=1e-4)
        grids = loaded.backbone().module.eval()(pixels)
    assert torch.allclose(grids[-1].mean(dim=(2, 3)), wanted, atol=1e-4)
    assert loaded.name == "resnet10t-own"


def test_a_missing_weight_is_named(tmp_path):
    state = timm.create_model("resnet10t", pretrained=False).state_dict()
    del state["layer3.0.conv1.weight"]
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=r"'layer3\.0\.conv1\.weight' is missing"):
        load(f"timm:resnet10t@{tmp_path / 'x.safetensors'}")


def test_a_pickle_that_runs_code_is_refused(bomb):
    path, crater = bomb
    with pytest.raises(ModelError, match="can run code and is not loaded"):
        load(f"timm:resnet10t@{path}")
    assert not crater.exists()


def test_a_transformer_gives_one_map(images):
    loaded = load("timm:vit_tiny_patch16_224@random,size=32")
    backbone = loaded.backbone()
    assert (backbone.channels, backbone.strides) == ((192,), (16,))
    model = loaded.model
    with torch.inference_mode():
        (grid,) = backbone.module.eval()(images(32))
        tokens = model.network.forward_features(model.standardise(images(32)))
    assert torch.allclose(grid.flatten(2).transpose(1, 2), tokens[:, 1:], atol=1e-5)


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("timm:resnet10t@nowhere.bin", ModelError, "there is no 'nowhere.bin'"),
        ("timm:resnet10t@random:x", ModelError, "at least 0, got 'x'"),
        ("timm:resnet10t@random,size=1", ModelError, "at least 32, got '1'"),
        (
            "timm:vit_tiny_patch16_224@random,size=40",
            ModelError,
            "size 40 is no multiple of its patch",
        ),
        ("timm:resnet10t@random,sized=64", UnknownNameError, "did you mean 'size'"),
    ],
)
def test_what_cannot_be_had(spec, error, words):
    with pytest.raises(error, match=words):
        load(spec)
