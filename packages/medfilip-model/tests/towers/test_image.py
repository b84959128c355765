import jaxtyping
import pytest
import torch
from medfilip_model.config import ImageTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers import ImageTower, image_tower

NARROW = {"channels": (8, 8, 16, 24), "stem_width": 8}
# Kind, name, more -> features, channels, side of the map of 64 pixels.
TOWERS = {
    "resnet": (("timm", "resnet10t", NARROW), (24, 24, 2)),
    "convnext": (("timm", "test_convnext", {}), (64, 64, 2)),
    "efficientnet": (("timm", "test_efficientnet", {}), (256, 256, 2)),
    "lite": (("timm", "tf_efficientnet_lite0", {}), (1280, 1280, 2)),
    "mobilenet": (("timm", "mobilenetv3_small_050", {}), (1024, 288, 2)),
    "vit": (("timm", "test_vit", {}), (64, 64, 4)),
    "clip-resnet": (("open_clip", "tiny-RN", {}), (24, 256, 2)),
    "clip-vit": (("open_clip", "tiny-ViT", {}), (24, 32, 8)),
    "torchvision": (("torchvision", "resnet18", {}), (512, 512, 2)),
}
READS_A_TOKEN = ("vit", "clip-vit")
POOLS_A_MAP = tuple(name for name in TOWERS if name not in READS_A_TOKEN)


def config(name: str, **more: object) -> ImageTowerConfig:
    kind, model, widths = TOWERS[name][0]
    return ImageTowerConfig.model_validate({"kind": kind, "name": model, **widths, **more})


def make(name: str, size: int = 64) -> ImageTower:
    torch.manual_seed(0)
    return image_tower(config(name), size).eval()


@pytest.mark.parametrize("name", TOWERS)
@torch.no_grad()
def test_features_and_map(name: str):
    tower = make(name)
    features, channels, side = TOWERS[name][1]
    pixels = torch.randn(2, 1, 64, 64)
    pooled, grid = tower.both(pixels)
    assert (tower.features, tower.channels) == (features, channels)
    assert pooled.shape == (2, features)
    assert grid.shape == (2, channels, side, side)
    torch.testing.assert_close(tower(pixels), pooled)
    torch.testing.assert_close(tower.forward_map(pixels), grid)
    assert tower.locate(grid).shape == (2, features, side, side)
    assert tower.pool_map(grid).shape == (2, features)


@pytest.mark.parametrize("name", POOLS_A_MAP)
@torch.no_grad()
def test_the_pooled_map_is_the_features(name: str):
    tower = make(name)
    pooled, grid = tower.both(torch.randn(2, 1, 64, 64))
    torch.testing.assert_close(tower.pool_map(grid), pooled, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", TOWERS)
@torch.no_grad()
def test_a_location_is_in_its_place(name: str):
    """What changes in a corner of the map changes there alone."""
    tower = make(name)
    grid = tower.forward_map(torch.randn(1, 1, 64, 64))
    before = tower.locate(grid)
    grid[0, :, 0, 1] += torch.randn(grid.shape[1])
    moved = (tower.locate(grid) - before).abs().amax(dim=1)[0] > 1e-6
    assert moved[0, 1]
    assert moved.sum() == 1


@pytest.mark.parametrize("name", ["resnet", "convnext", "vit", "clip-resnet", "clip-vit"])
@torch.no_grad()
def test_where_an_image_is_bright_the_map_is(name: str):
    """Rows and columns are not swapped: the map moves most where the image did."""
    tower = make(name, 128)
    image = torch.zeros(1, 1, 128, 128)
    other = image.clone()
    other[..., 8:24, 100:116] = 3.0
    moved = (tower.forward_map(other) - tower.forward_map(image)).norm(dim=1)[0]
    side = len(moved)
    y, x = divmod(int(moved.argmax()), side)
    assert y < side / 2 <= x


@pytest.mark.parametrize("name", ["clip-resnet", "clip-vit", "vit", "convnext", "torchvision"])
@torch.no_grad()
def test_another_size_than_the_trained_one(name: str):
    for size in (32, 96):
        tower = make(name, size)
        pooled, grid = tower.both(torch.randn(1, 1, size, size))
        assert pooled.isfinite().all()
        assert grid.shape[2] == grid.shape[3]


@pytest.mark.parametrize("name", TOWERS)
def test_every_parameter_learns(name: str):
    """Data-parallel training stops at a parameter that no loss reaches."""
    tower = make(name).train()
    (tower(torch.randn(2, 1, 64, 64)) ** 2).sum().backward()
    assert [n for n, p in tower.named_parameters() if p.requires_grad and p.grad is None] == []


@pytest.mark.parametrize("name", TOWERS)
def test_half_precision(name: str):
    tower = make(name)
    pixels = torch.randn(2, 1, 64, 64)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        low = tower(pixels).float()
    with torch.no_grad():
        full = tower(pixels)
    assert torch.cosine_similarity(low, full).min() > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vit", "clip-resnet"])
def test_the_compiled_tower_is_run_by_every_method(name: str, monkeypatch: pytest.MonkeyPatch):
    # What checks shapes in tests cannot be compiled.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    runs: list[int] = []

    def counting(graph: torch.fx.GraphModule, example: list[torch.Tensor]):
        del example

        def run(*args: torch.Tensor):
            runs.append(1)
            return graph(*args)

        return run

    tower = make(name)
    pixels = torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        expected = tower(pixels)
        tower.compile(backend=counting, fullgraph=True)
        torch.testing.assert_close(tower(pixels), expected)
        tower.forward_map(pixels)
        tower.both(pixels)
    assert len(runs) == 3
    assert not any("_orig_mod" in name for name in tower.state_dict())


def test_kernels_are_stored_channels_last():
    for name in ("resnet", "clip-resnet", "torchvision"):
        kernels = [p for p in make(name).parameters() if p.ndim == 4 and p.shape[2] > 1]
        assert all(k.is_contiguous(memory_format=torch.channels_last) for k in kernels)


@pytest.mark.parametrize("name", ["vit", "clip-vit", "clip-resnet"])
def test_a_size_that_is_no_multiple(name: str):
    with pytest.raises(ConfigError, match=r"model\.size = 100: no multiple of the"):
        make(name, 100)
