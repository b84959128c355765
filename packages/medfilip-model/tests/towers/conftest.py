"""Tiny models of each library, under names that its own registry knows."""

import json

import open_clip
import pytest

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
VISION = {
    "tiny-RN": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
    "tiny-ViT": {"image_size": 32, "patch_size": 8, "layers": 2, "width": 32, "head_width": 16},
}


@pytest.fixture(scope="session", autouse=True)
def _tiny_open_clip(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("open-clip")
    for name, vision in VISION.items():
        shape = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": TEXT}
        for full, more in ((name, {}), (f"{name}-quickgelu", {"quick_gelu": True})):
            (folder / f"{full}.json").write_text(json.dumps({**shape, **more}))
    open_clip.add_model_config(folder)
