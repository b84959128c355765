import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from medfilip_model.checkpoint import Checkpoint
from medfilip_model.config import ImageTowerConfig, ModelConfig, TextTowerConfig
from medfilip_model.data.transforms import standardise
from medfilip_model.export.result import ExportError
from medfilip_model.export.timm import as_timm, write_timm
from medfilip_model.model import MedFILIP
from timm.models import byobnet

PIXELS = standardise(torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(1)))


def make(size: int = 64, **image: object) -> MedFILIP:
    text = TextTowerConfig(width=16, heads=2, layers=1, context=16)
    config = ModelConfig(size=size, embed=16, image=ImageTowerConfig(**image), text=text)
    return MedFILIP(config).eval()


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ({"name": "resnet10t", "channels": (8, 16, 24, 32), "stem_width": 8}, "resnet10t"),
        ({"name": "test_vit"}, "test_vit"),
        ({"name": "test_efficientnet"}, "test_efficientnet"),
        ({"kind": "torchvision", "name": "resnet18"}, "resnet18"),
    ],
)
@torch.no_grad()
def test_timm_makes_the_same_features_of_the_file(image: dict, name: str, tmp_path: Path):
    model = make(**image)
    checks = write_timm(tmp_path, Checkpoint(model, {}))
    made = as_timm(model)
    assert made.name == name
    assert {"model.safetensors", "the folder"} <= {check.part for check in checks}
    weights = tmp_path / "model.safetensors"
    theirs = timm.create_model(name, checkpoint_path=weights, **made.options)
    torch.testing.assert_close(
        theirs.eval()(PIXELS), model.image_tower(PIXELS), atol=1e-4, rtol=1e-4
    )


@pytest.fixture
def narrow_rn50(monkeypatch: pytest.MonkeyPatch) -> None:
    """CLIP's ResNet-50 with an eighth of its width and one block a stage, in both libraries."""
    vision = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None}
    about = {"embed_dim": 24, "vision_cfg": vision}
    monkeypatch.setattr("medfilip_model.towers.open_clip_trunk.clip_config", lambda _: about)
    shape = byobnet.model_cfgs["resnet50_clip"]
    blocks = tuple(replace(block, d=1, c=block.c // 8) for block in shape.blocks)
    narrow = replace(shape, blocks=blocks, stem_chs=(4, 4, 8))
    monkeypatch.setitem(byobnet.model_cfgs, "resnet50_clip", narrow)


@torch.no_grad()
def test_the_attention_pool_of_clip_is_kept(narrow_rn50: None, tmp_path: Path):
    """The paper's tower. timm has it under other names, with its projection as a classifier."""
    model = make(kind="open_clip", name="RN50")
    checks = write_timm(tmp_path, Checkpoint(model, {}))
    assert [check.part for check in checks] == ["model.safetensors", "the folder", "features_only"]
    theirs = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    torch.testing.assert_close(theirs(PIXELS), model.image_tower(PIXELS), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_pyramid_of_features(tmp_path: Path):
    """What segmentation models are built on, from one grey channel."""
    model = make(name="resnet10t", channels=(8, 16, 24, 32), stem_width=8)
    write_timm(tmp_path, Checkpoint(model, {}))
    pyramid = timm.create_model(f"local-dir:{tmp_path}", pretrained=True, features_only=True)
    levels = pyramid.eval()(PIXELS)
    assert [level.shape[-1] for level in levels] == [32, 16, 8, 4, 2]
    torch.testing.assert_close(levels[-1], model.image_tower.forward_map(PIXELS))


@pytest.mark.skipif(
    importlib.util.find_spec("segmentation_models_pytorch") is None,
    reason="segmentation-models-pytorch is not installed",
)
@torch.no_grad()
def test_an_encoder_of_segmentation_models(tmp_path: Path):
    import segmentation_models_pytorch as smp

    model = make(name="resnet10t")
    write_timm(tmp_path, Checkpoint(model, {}))
    unet = smp.Unet(f"tu-local-dir:{tmp_path}", encoder_weights=True, in_channels=1).eval()
    torch.testing.assert_close(unet.encoder(PIXELS)[-1], model.image_tower.forward_map(PIXELS))


def test_a_network_that_timm_lacks_is_refused(monkeypatch):
    model = make(name="test_resnet")
    image = ImageTowerConfig(kind="open_clip", name="RN50x99")
    model.config = model.config.model_copy(update={"image": image})
    with pytest.raises(ExportError, match="timm has no network like open_clip's 'RN50x99'"):
        as_timm(model)


def test_other_weights_are_refused(tmp_path: Path, monkeypatch):
    model = make(name="test_resnet")
    made = as_timm(model)
    state = {k: v * 1.01 if v.is_floating_point() else v for k, v in made.state.items()}
    other = type(made)(made.name, state, made.options)
    monkeypatch.setattr("medfilip_model.export.timm.as_timm", lambda _: other)
    with pytest.raises(ExportError, match=r"model.safetensors differs from torch"):
        write_timm(tmp_path, Checkpoint(model, {}))
