from pathlib import Path

import pytest
import timm
import torch
from medfilip_model.config import ImageTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers import image_tower
from safetensors.torch import save_file


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_efficientnet", "test_convnext"])
def test_weights_of_three_channels_see_a_grey_image_as_before(name: str, tmp_path: Path):
    """With the classifier in the file, as they are published."""
    torch.manual_seed(1)
    theirs = timm.create_model(name, num_classes=7).double().eval()
    save_file(theirs.state_dict(), tmp_path / "w.safetensors")
    tower = image_tower(ImageTowerConfig(name=name, weights=str(tmp_path / "w.safetensors")), 160)
    pixels = torch.randn(1, 1, 160, 160, dtype=torch.double)
    raw = theirs.forward_features(pixels.expand(-1, 3, -1, -1))
    expected = theirs.forward_head(raw, pre_logits=True)
    # The file's float64 was read into float32.
    torch.testing.assert_close(tower.double().eval()(pixels), expected, atol=1e-4, rtol=1e-4)


def test_patches_are_the_tokens_behind_the_class_token():
    tower = image_tower(ImageTowerConfig(name="test_vit"), 64).eval()
    pixels = torch.randn(1, 1, 64, 64)
    tokens = tower.trunk.model.forward_features(pixels)
    assert torch.equal(tower.forward_map(pixels)[0, :, 1, 2], tokens[0, 1 + 4 * 1 + 2])
    torch.testing.assert_close(tower(pixels), tokens[:, 0])


def test_a_map_with_channels_last():
    """Swin gives [N, h, w, C]."""
    tower = image_tower(ImageTowerConfig(name="swin_tiny_patch4_window7_224"), 64).eval()
    with torch.no_grad():
        pooled, grid = tower.both(torch.randn(1, 1, 64, 64))
        assert grid.shape == (1, 768, 2, 2)
        torch.testing.assert_close(tower.pool_map(grid), pooled)


def test_a_finer_map_of_the_same_weights():
    """Dilated convolutions: more locations, and where they coincide the same receptive centre."""
    coarse, fine = (
        image_tower(ImageTowerConfig(name="test_resnet", output_stride=stride), 64).eval()
        for stride in (None, 8)
    )
    fine.load_state_dict(coarse.state_dict())
    pixels = torch.randn(1, 1, 64, 64)
    assert coarse.forward_map(pixels).shape[2:] == (2, 2)
    assert fine.forward_map(pixels).shape[2:] == (8, 8)


def test_a_stride_that_the_family_does_not_take():
    with pytest.raises(ConfigError, match=r"'test_vit' does not take output_stride"):
        image_tower(ImageTowerConfig(name="test_vit", output_stride=16), 32)


def test_an_unknown_name_gets_near_ones():
    with pytest.raises(ConfigError, match=r"timm has no model 'resnet5'; did you mean 'resnet"):
        image_tower(ImageTowerConfig(name="resnet5"), 32)


def test_channels_where_the_family_has_none():
    config = ImageTowerConfig(name="mobilenetv3_small_050", channels=(8, 8))
    with pytest.raises(ConfigError, match=r"'mobilenetv3_small_050' does not take channels"):
        image_tower(config, 32)


def test_a_hub_out_of_reach_says_what_to_fetch_and_where_to_put_it():
    with pytest.raises(ConfigError) as caught:
        image_tower(ImageTowerConfig(name="test_resnet", weights="pretrained"), 32)
    text = str(caught.value)
    assert "'model.safetensors' of 'timm/test_resnet.r160_in1k'" in text
    assert "hf download timm/test_resnet.r160_in1k model.safetensors" in text
    assert "--set model.image.weights=FILE" in text
    assert "--set model.image.weights=none" in text


def test_a_model_that_timm_has_no_weights_for():
    config = ImageTowerConfig(name="resnet10t.none_such", weights="pretrained")
    with pytest.raises(ConfigError, match=r"of this model there are 'resnet10t\.c3_in1k'"):
        image_tower(config, 32)
    config = ImageTowerConfig(name="resnetblur18", weights="pretrained")
    with pytest.raises(ConfigError, match=r"weights: timm has no weights for 'resnetblur18'"):
        image_tower(config, 32)


def test_weights_are_not_looked_for_where_a_checkpoint_follows():
    config = ImageTowerConfig(name="test_resnet", weights="pretrained")
    assert image_tower(config, 32, load=False).features == 96


def test_the_order_of_another_library(tmp_path: Path):
    """EfficientNet-Lite of another author: other names, the same order, its classifier last."""
    theirs = timm.create_model("test_efficientnet", num_classes=5)
    state = {
        f"_net.{n}.{k.rpartition('.')[2]}": v
        for n, (k, v) in enumerate(theirs.state_dict().items())
    }
    torch.save(state, tmp_path / "w.pth")
    path = tmp_path / "w.pth"
    with pytest.raises(ConfigError, match=f"give 'model.image.weights=ordered:{path}'"):
        image_tower(ImageTowerConfig(name="test_efficientnet", weights=str(path)), 64)
    tower = image_tower(ImageTowerConfig(name="test_efficientnet", weights=f"ordered:{path}"), 64)
    pixels = torch.randn(1, 1, 64, 64)
    raw = theirs.eval().forward_features(pixels.expand(-1, 3, -1, -1))
    expected = theirs.forward_head(raw, pre_logits=True)
    torch.testing.assert_close(tower.eval()(pixels), expected, atol=1e-4, rtol=1e-4)
