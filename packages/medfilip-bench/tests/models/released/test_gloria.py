"""GLoRIA of the release's key layout: its global similarity."""

import argparse

import pytest
import torch
from medfilip_bench.errors import ModelError
from medfilip_bench.models.registry import load
from torch.nn import functional


@pytest.fixture
def release(tmp_path, resnet, bert, bert_config):
    """A file as pytorch-lightning writes it, with settings of other packages' kinds."""
    state, image = resnet("gloria.img_encoder.model.")
    words, text = bert("gloria.text_encoder.model.", bert_config, pooler=True)
    own = {
        "gloria.img_encoder.global_embedder.weight": torch.randn(32, 512) / 20,
        "gloria.img_encoder.global_embedder.bias": torch.randn(32),
        "gloria.img_encoder.local_embedder.weight": torch.randn(32, 256, 1, 1),
    }
    state = state | words | own
    settings = argparse.Namespace(model="resnet_50")
    path = tmp_path / "chexpert_resnet50.pt"
    torch.save({"epoch": 3, "state_dict": state, "hyper_parameters": settings}, path)
    return path, state, image, text


def test_the_global_similarity(release, text_folder, images, spoken):
    path, state, image, text = release
    loaded = load(f"gloria:{path},text={text_folder}")
    assert (loaded.name, loaded.size, loaded.template) == ("gloria", 224, None)
    pixels, (texts, ids) = images(224), spoken
    start = "gloria.img_encoder.global_embedder."
    with torch.inference_mode():
        wide = functional.interpolate(
            ((pixels / 255 - 0.5) / 0.5).expand(-1, 3, -1, -1),
            size=(299, 299),
            mode="bilinear",
            align_corners=True,
        )
        seen = functional.linear(image(wide), state[f"{start}weight"], state[f"{start}bias"])
        assert torch.allclose(loaded.model.encode_image(pixels), seen, atol=1e-4)
        for row, tokens in zip(loaded.model.encode_text(texts), ids, strict=True):
            hidden = text(tokens, output_hidden_states=True).hidden_states
            # The release: pieces summed into words, the mean over 97 words, summed over layers.
            layers = torch.stack(hidden[-4:])[:, 0]
            pieces = {0: [0], 1: [1], 2: [2, 3], 3: [4]} if tokens.shape[1] == 5 else None
            whole = pieces or {k: [k] for k in range(tokens.shape[1])}
            summed = torch.stack([layers[:, where].sum(dim=1) for where in whole.values()], dim=1)
            released = (summed.sum(dim=1) / 97).sum(dim=0)
            assert functional.cosine_similarity(row, released, dim=0) == pytest.approx(1, abs=1e-5)


def test_maps_for_training(release, text_folder):
    backbone = load(f"gloria:{release[0]},text={text_folder}").backbone()
    assert backbone.channels == (64, 64, 128, 256, 512)
    assert backbone.strides == (2, 4, 8, 16, 32)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("img_encoder.global_embedder.weight", "it is no GLoRIA"),
        ("img_encoder.local_embedder.weight", "'img_encoder.local_embedder.weight' is missing"),
        ("text_encoder.model.pooler.dense.bias", "pooler.dense.bias' is missing"),
    ],
)
def test_a_missing_weight_is_named(release, text_folder, name, words):
    path, state, *_ = release
    del state[f"gloria.{name}"]
    torch.save({"state_dict": state}, path)
    with pytest.raises(ModelError, match=words):
        load(f"gloria:{path},text={text_folder}")


def test_a_pickle_that_runs_code_is_refused(bomb, text_folder):
    path, crater = bomb
    with pytest.raises(ModelError, match="can run code and is not loaded"):
        load(f"gloria:{path},text={text_folder}")
    assert not crater.exists()
