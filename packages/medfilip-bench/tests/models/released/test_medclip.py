"""MedCLIP of the release's key layout: both image towers, and its way of reading texts."""

import pytest
import torch
from medfilip_bench.errors import ModelError
from medfilip_bench.models.backbones import reinitialised
from medfilip_bench.models.base import ImageTextModel
from medfilip_bench.models.registry import load
from torch import nn

EMBED = 12
MEAN, STD = 0.5862785803043838, 0.27950088968644304


@pytest.fixture
def text(bert, bert_config):
    """The text tower's weights, and what the release makes of one text."""
    state, network = bert("text_model.model.", bert_config, pooler=True)
    # Old files keep this table of numbers.
    state["text_model.model.embeddings.position_ids"] = torch.arange(96)[None]
    state["text_model.projection_head.weight"] = torch.randn(EMBED, 32)
    state["logit_scale"] = torch.tensor(2.6)

    def read(ids):
        hidden = network(ids, output_hidden_states=True).hidden_states
        mean = torch.stack([hidden[1], hidden[2], hidden[-1]]).mean(dim=2).mean(dim=0)
        return mean @ state["text_model.projection_head.weight"].T

    return state, read


@pytest.fixture
def of_resnet(resnet, text, tmp_path):
    state, network = resnet("vision_model.model.", head=nn.Linear(512, EMBED, bias=False))
    torch.save(state | text[0], tmp_path / "resnet.bin")
    return tmp_path / "resnet.bin", network, text[1]


@pytest.fixture
def of_swin(text, tmp_path):
    """A Swin transformer as transformers writes it to a file, which is the release's layout."""
    from safetensors.torch import load_file
    from transformers import SwinConfig, SwinModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(0)
    config = SwinConfig(image_size=224, embed_dim=8, depths=[1, 1, 2, 1], num_heads=[1, 2, 2, 4])
    network = SwinModel(config).eval()
    network.save_pretrained(tmp_path / "swin")
    state = load_file(tmp_path / "swin" / "model.safetensors")
    assert "encoder.layers.0.blocks.0.attention.self.query.weight" in state
    state = {f"vision_model.model.{k}": v for k, v in state.items()}
    start = "vision_model.model.encoder.layers.0.blocks.0.attention.self."
    state[f"{start}relative_position_index"] = torch.zeros(49, 49, dtype=torch.long)
    head = torch.randn(EMBED, 64)
    state["vision_model.projection_head.weight"] = head
    torch.save(state | text[0], tmp_path / "swin.bin")
    return tmp_path / "swin.bin", lambda pixels: network(pixels).pooler_output @ head.T


def test_images_of_the_resnet(of_resnet, text_folder, images):
    path, network, _ = of_resnet
    loaded = load(f"medclip:{path},text={text_folder}")
    assert isinstance(loaded.model, ImageTextModel)
    assert (loaded.name, loaded.size, loaded.template) == ("medclip-resnet", 224, None)
    pixels = images(224)
    with torch.inference_mode():
        wanted = network(((pixels / 255 - MEAN) / STD).expand(-1, 3, -1, -1))
        assert torch.allclose(loaded.model.encode_image(pixels), wanted, atol=1e-4)


def test_images_of_the_swin_transformer(of_swin, text_folder, images):
    path, see = of_swin
    loaded = load(f"medclip:{path},text={text_folder}")
    assert loaded.name == "medclip-swin"
    pixels = images(224)
    with torch.inference_mode():
        wanted = see(((pixels / 255 - MEAN) / STD).expand(-1, 3, -1, -1))
        assert torch.allclose(loaded.model.encode_image(pixels), wanted, atol=1e-4)
    backbone = loaded.backbone()
    assert backbone.channels == (8, 16, 32, 64)
    assert backbone.strides == (4, 8, 16, 32)
    twin = reinitialised(backbone, 0)
    assert twin.module.state_dict().keys() == backbone.module.state_dict().keys()


def test_a_text_is_the_same_alone_and_among_longer_ones(of_resnet, text_folder, spoken):
    path, _, read = of_resnet
    texts, ids = spoken
    model = load(f"medclip:{path},text={text_folder}").model
    with torch.inference_mode():
        found = model.encode_text(texts)
        for row, tokens in zip(found, ids, strict=True):
            assert torch.allclose(row, read(tokens)[0], atol=1e-5)


def test_the_vocabulary_counts(of_resnet, text_folder):
    spec = f"medclip:{of_resnet[0]},text={text_folder}"
    before = load(spec).sha256
    words = (text_folder / "vocab.txt").read_text().split("\n")
    words[6], words[10] = words[10], words[6]
    (text_folder / "vocab.txt").write_text("\n".join(words))
    assert load(spec).sha256 != before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("text_model.projection_head.weight"), "it is no MedCLIP"),
        (lambda s: s.pop("vision_model.model.layer2.0.bn1.weight"), "'vision_model.*' is missing"),
        (lambda s: s.update(extra=torch.ones(1)), "'extra' is not in the model"),
        (lambda s: s.update(logit_scale=torch.ones(3)), r"'logit_scale' is \[3\] in place of"),
        (
            lambda s: [s.pop(k) for k in list(s) if ".layer3." in k],
            "no ResNet under 'vision_model.model.layer1'",
        ),
    ],
)
def test_weights_that_do_not_fit(of_resnet, text_folder, change, words):
    path = of_resnet[0]
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)
    with pytest.raises(ModelError, match=words):
        load(f"medclip:{path},text={text_folder}")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("encoder.layers.1.blocks.0.attention.self.key.weight", "key.weight' is missing"),
        ("encoder.layers.2.blocks.1.intermediate.dense.bias", "fc1.bias' is missing"),
        ("embeddings.patch_embeddings.projection.weight", "has no Swin transformer"),
    ],
)
def test_a_swin_transformer_that_lacks_a_weight(of_swin, text_folder, name, words):
    path = of_swin[0]
    state = torch.load(path, weights_only=True)
    del state[f"vision_model.model.{name}"]
    torch.save(state, path)
    with pytest.raises(ModelError, match=words):
        load(f"medclip:{path},text={text_folder}")


def test_a_pickle_that_runs_code_is_refused(bomb, text_folder):
    path, crater = bomb
    with pytest.raises(ModelError, match="can run code and is not loaded"):
        load(f"medclip:{path},text={text_folder}")
    assert not crater.exists()
