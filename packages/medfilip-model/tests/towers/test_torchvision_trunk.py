from pathlib import Path

import pytest
import torch
from medfilip_model.config import ImageTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers import image_tower
from safetensors.torch import save_file
from torchvision.models import resnet18


def config(name: str = "resnet18", **more: object) -> ImageTowerConfig:
    return ImageTowerConfig.model_validate({"kind": "torchvision", "name": name, **more})


def test_weights_of_three_channels_see_a_grey_image_as_before(tmp_path: Path):
    torch.manual_seed(1)
    theirs = resnet18(weights=None).eval()
    save_file(theirs.state_dict(), tmp_path / "w.safetensors")
    tower = image_tower(config(weights=str(tmp_path / "w.safetensors")), 64).eval()
    theirs.fc = torch.nn.Identity()
    pixels = torch.randn(2, 1, 64, 64, dtype=torch.double)
    with torch.no_grad():
        expected = theirs.double()(pixels.expand(-1, 3, -1, -1))
        # The sum of three kernels was rounded to float32.
        torch.testing.assert_close(tower.double()(pixels), expected, atol=1e-5, rtol=1e-5)


def test_names():
    with pytest.raises(ConfigError, match=r"torchvision has no ResNet 'resnet5'; did you mean"):
        image_tower(config("resnet5"), 64)
    with pytest.raises(ConfigError, match=r"torchvision has no ResNet 'vgg16'"):
        image_tower(config("vgg16"), 64)
    with pytest.raises(ConfigError, match=r"'resnet18' takes no channels or stem_width"):
        image_tower(config(stem_width=8), 64)


def test_a_file_that_cannot_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ConfigError) as caught:
        image_tower(config(weights="pretrained"), 64)
    text = str(caught.value)
    assert f"is not in '{tmp_path / 'checkpoints'}' and cannot be fetched" in text
    assert "curl -LO" in text
    assert "--set model.image.weights=none" in text
