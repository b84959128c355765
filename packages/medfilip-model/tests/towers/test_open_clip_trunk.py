from pathlib import Path

import open_clip
import pytest
import torch
from medfilip_model.config import ImageTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers import image_tower
from safetensors.torch import save_file


def config(name: str, **more: object) -> ImageTowerConfig:
    return ImageTowerConfig.model_validate({"kind": "open_clip", "name": name, **more})


@pytest.mark.parametrize(("name", "size"), [("tiny-RN", 64), ("tiny-ViT", 32)])
@pytest.mark.parametrize("gelu", ["", "-quickgelu"])
def test_a_whole_clip_gives_its_image_tower(name: str, size: int, gelu: str, tmp_path: Path):
    """Of a file with both towers, and with what training wraps around it."""
    torch.manual_seed(1)
    theirs = open_clip.create_model(name + gelu).eval()
    state = {f"module.{key}": value for key, value in theirs.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "w.pt")
    tower = image_tower(config(name + gelu, weights=str(tmp_path / "w.pt")), size).eval()
    pixels = torch.randn(2, 1, size, size)
    with torch.no_grad():
        expected = theirs.encode_image(pixels.expand(-1, 3, -1, -1))
        torch.testing.assert_close(tower(pixels), expected, atol=1e-5, rtol=1e-4)


def test_positions_of_the_paper_size(tmp_path: Path):
    """Trained at 64 pixels, read at 128: a map of 4 x 4 in place of 2 x 2; one class position."""
    theirs = open_clip.create_model("tiny-RN")
    save_file(theirs.visual.state_dict(), tmp_path / "w.safetensors")
    weights = str(tmp_path / "w.safetensors")
    before = image_tower(config("tiny-RN", weights=weights), 64).trunk.model.attnpool
    after = image_tower(config("tiny-RN", weights=weights), 128).trunk.model.attnpool
    assert before.positional_embedding.shape == (1 + 2 * 2, 256)
    assert after.positional_embedding.shape == (1 + 4 * 4, 256)
    assert torch.equal(after.positional_embedding[0], before.positional_embedding[0])


def test_a_location_alone_is_the_value_that_attention_would_read():
    """One location attends to itself and to the mean, which is itself."""
    tower = image_tower(config("tiny-RN"), 64).eval()
    pool = tower.trunk.model.attnpool
    with torch.no_grad():
        pool.positional_embedding.zero_()
        grid = torch.randn(1, 256, 2, 2)
        expected = pool.c_proj(pool.v_proj(grid[0, :, 1, 0]))
        torch.testing.assert_close(tower.locate(grid)[0, :, 1, 0], expected)


def test_names():
    with pytest.raises(ConfigError, match=r"open_clip has no model 'RN5'; did you mean 'RN50'"):
        image_tower(config("RN5"), 64)
    with pytest.raises(ConfigError, match=r"'convnext_base' is timm's 'convnext_base': take it"):
        image_tower(config("convnext_base"), 64)
    with pytest.raises(ConfigError, match=r"'coca_ViT-B-32' pools in a way of its own"):
        image_tower(config("coca_ViT-B-32"), 64)
    with pytest.raises(ConfigError, match=r"'tiny-RN' takes no channels or stem_width"):
        image_tower(config("tiny-RN", stem_width=8), 64)
    with pytest.raises(ConfigError, match=r"'opnai' is no file, and none of 'openai', 'yfcc15m'"):
        image_tower(config("RN50", weights="opnai"), 64, load=True)
