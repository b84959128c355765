"""CheXzero of the release's key layout, which is OpenAI's."""

import pytest
import torch
from medfilip_bench.errors import ModelError
from medfilip_bench.models.registry import load
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer

VISION = {"image_size": 64, "patch_size": 32, "width": 64, "layers": 2}
TEXT = {"context_length": 10, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}


@pytest.fixture
def release(tmp_path, randomise):
    network = randomise(CLIP(8, VISION, TEXT, quick_gelu=True))
    torch.save(network.state_dict(), tmp_path / "best_64.pt")
    return tmp_path / "best_64.pt", network


def test_pixels_and_texts_are_the_releases(release, images):
    path, network = release
    loaded = load(f"chexzero:{path}")
    assert (loaded.name, loaded.size, loaded.template) == ("chexzero", 64, None)
    assert loaded.trained_on.startswith("MIMIC-CXR")
    assert loaded.saw_images
    pixels, texts = images(64), ["a lung", "mass"]
    with torch.inference_mode():
        # The release takes its mean off values of 0..255.
        wanted = network.encode_image(((pixels - 101.48761) / 83.43944).expand(-1, 3, -1, -1))
        read = network.encode_text(SimpleTokenizer(context_length=10)(texts))
        assert torch.allclose(loaded.model.encode_image(pixels), wanted, atol=1e-4)
        assert torch.allclose(loaded.model.encode_text(texts), read, atol=1e-4)
    assert loaded.backbone().strides == (32,)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("visual.conv1.weight", "'visual.conv1.weight' is missing: it is no CLIP"),
        ("transformer.resblocks.0.mlp.c_fc.bias", "c_fc.bias' is missing"),
        ("visual.proj", "'visual.proj' is missing"),
    ],
)
def test_a_missing_weight_is_named(release, name, words):
    path, network = release
    state = network.state_dict()
    del state[name]
    torch.save(state, path)
    with pytest.raises(ModelError, match=words):
        load(f"chexzero:{path}")


def test_a_pickle_that_runs_code_is_refused(bomb):
    path, crater = bomb
    with pytest.raises(ModelError, match="can run code and is not loaded"):
        load(f"chexzero:{path}")
    assert not crater.exists()
