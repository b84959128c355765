"""Runs of medfilip-train: what a result says of them, their backbone and their heatmaps."""

import pytest
import torch
from iki_knowledge import load_knowledge
from medfilip_bench.models.backbones import reinitialised
from medfilip_bench.models.registry import load
from medfilip_model.checkpoint import save_checkpoint
from medfilip_model.config import (
    FusionConfig,
    ImageTowerConfig,
    ModelConfig,
    TextTowerConfig,
    TrainConfig,
)
from medfilip_model.data.transforms import standardise
from medfilip_model.model import MedFILIP


def write_run(folder, image, *, size=32, fusion=None, **data):
    text = TextTowerConfig(width=16, heads=2, layers=1)
    config = ModelConfig(size=size, embed=16, image=image, text=text, fusion=fusion)
    torch.manual_seed(0)
    model = MedFILIP(config).eval()
    training = TrainConfig().replace(model=config.model_dump(), **data)
    record = {"config": training.model_dump(mode="json"), "resolved": {"train": 40}}
    save_checkpoint(folder, model, record, {})
    return model


RESNET = ImageTowerConfig(channels=(8, 8, 16, 24), stem_width=8)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "tiny"
    return folder, write_run(folder, RESNET)


def test_what_a_result_says_of_it(run):
    folder, _ = run
    loaded = load(f"run:{folder}")
    assert (loaded.name, loaded.spec, loaded.size) == ("tiny", f"run:{folder}", 32)
    assert loaded.abilities == {"images", "texts", "backbone"}
    assert loaded.template == TrainConfig().data.template
    assert loaded.normal == TrainConfig().data.normal
    assert loaded.trained_on.startswith("40 phantoms")
    assert (loaded.saw_images, loaded.saw) == (False, ())
    assert len(loaded.sha256) == 64
    assert not loaded.model.training


def test_images_that_it_saw_are_named(tmp_path):
    write_run(tmp_path / "seen", RESNET, data__folder="cxr")
    loaded = load(f"run:{tmp_path / 'seen'}")
    assert (loaded.saw_images, loaded.saw) == (True, ("cxr",))


@pytest.mark.parametrize(
    ("image", "size", "maps"),
    [
        (RESNET, 32, [(16, 2), (8, 4), (8, 8), (16, 16), (24, 32)]),
        (ImageTowerConfig(name="convnext_atto"), 64, [(40, 4), (80, 8), (160, 16), (320, 32)]),
        (ImageTowerConfig(kind="torchvision", name="resnet18"), 32, [(64, 2), (64, 4), (128, 8)]),
    ],
)
def test_the_last_map_of_the_backbone_is_the_towers(tmp_path, images, image, size, maps):
    model = write_run(tmp_path / "run", image, size=size)
    backbone = load(f"run:{tmp_path / 'run'}").backbone()
    pixels = images(size)
    assert list(zip(backbone.channels, backbone.strides, strict=True))[: len(maps)] == maps
    with torch.inference_mode():
        found = backbone.module.eval()(pixels)
        expected = model.image_tower.forward_map(standardise(pixels))
    assert torch.allclose(found[-1], expected, atol=1e-4)
    for grid, channels, stride in zip(found, backbone.channels, backbone.strides, strict=True):
        assert grid.shape == (2, channels, size // stride, size // stride)


def test_a_backbone_is_a_copy_of_its_own(run):
    folder, _ = run
    loaded = load(f"run:{folder}")
    one, other = loaded.backbone(), loaded.backbone()
    assert one.module.training
    assert all(value.requires_grad for value in one.module.parameters())
    with torch.no_grad():
        for value in one.module.parameters():
            value.zero_()
    assert any(value.any() for value in other.module.parameters())
    assert any(value.any() for value in loaded.model.image_tower.parameters())


def test_the_random_twin_is_decided_by_its_seed(run, images):
    backbone = load(f"run:{run[0]}").backbone()

    def last(made):
        with torch.inference_mode():
            return made.module.eval()(images(32))[-1]

    torch.manual_seed(7)
    state = torch.get_rng_state()
    first, again, other = (reinitialised(backbone, seed) for seed in (5, 5, 6))
    assert torch.equal(torch.get_rng_state(), state)
    assert first.channels == backbone.channels
    assert torch.equal(last(first), last(again))
    assert not torch.equal(last(first), last(other))
    assert not torch.equal(last(first), last(backbone))


@pytest.mark.parametrize(
    ("fusion", "kind"),
    [(None, "occlusion"), (FusionConfig(width=16, heads=2, layers=1), "attention")],
)
def test_heatmaps_of_each_kind(tmp_path, images, fusion, kind):
    write_run(tmp_path / "run", RESNET, size=64, fusion=fusion)
    loaded = load(f"run:{tmp_path / 'run'}")
    assert loaded.heatmap_kind == kind
    found = loaded.heatmap(images(64)[:, 0].numpy(), ["mass", "nodule"], load_knowledge())
    assert found.shape == (2, 2, 64, 64)
    assert found.std() > 0
