"""Image-text models of transformers: from a folder, whole, without code of its own."""

import json

import pytest
import torch
from medfilip_bench.errors import ModelError
from medfilip_bench.models.registry import load
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipModel,
)
from transformers.utils import logging

WORDS = ("[PAD]", "[UNK]", "a", "lung", "clear", "[EOS]")
SIZES = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
TEXT = SIZES | {
    "num_attention_heads": 2,
    "vocab_size": 8,
    "max_position_embeddings": 6,
    "projection_size": 16,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 5,
}
VISION = SIZES | {"num_attention_heads": 2, "image_size": 32, "patch_size": 16}


@pytest.fixture(autouse=True)
def quiet():
    """Saving draws a bar, which has no place here."""
    logging.disable_progress_bar()


def write(folder, network, **processor):
    network.save_pretrained(folder)
    vocabulary = {word: place for place, word in enumerate(WORDS)}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "eos_token": "[EOS]"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=6, **special)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessor(
        image_mean=[0.1, 0.2, 0.3], image_std=[0.5, 0.6, 0.7], **processor
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def clip(tmp_path, randomise):
    network = randomise(CLIPModel(CLIPConfig(text_config=TEXT, vision_config=VISION)))
    return network, write(tmp_path / "clip", network)


def test_embeddings_are_the_librarys(clip, images):
    network, folder = clip
    loaded = load(f"hf:{folder}")
    assert (loaded.name, loaded.size, loaded.template) == ("clip", 32, None)
    pixels = images(32)
    mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in ((0.1, 0.2, 0.3), (0.5, 0.6, 0.7)))
    ids = torch.tensor([[2, 3, 5], [4, 5, 0]])
    with torch.inference_mode():
        seen = network.get_image_features((pixels / 255 - mean) / std).pooler_output
        read = network.get_text_features(ids, attention_mask=(ids > 0).long()).pooler_output
        assert torch.allclose(loaded.model.encode_image(pixels), seen, atol=1e-5)
        found = loaded.model.encode_text(["a lung [EOS]", "clear [EOS]"])
    assert torch.allclose(found, read, atol=1e-5)


def test_siglip_reads_texts_filled_up_and_without_a_mask(tmp_path, randomise, images):
    config = SiglipConfig(text_config=TEXT, vision_config=VISION)
    network = randomise(SiglipModel(config))
    loaded = load(f"hf:{write(tmp_path / 'siglip', network)}")
    with torch.inference_mode():
        found = loaded.model.encode_text(["a lung"])
        read = network.get_text_features(torch.tensor([[2, 3, 0, 0, 0, 0]])).pooler_output
        assert loaded.model.encode_image(images(32)).shape == (2, 16)
    assert torch.allclose(found, read, atol=1e-5)


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_the_patches_are_the_map(tmp_path, randomise, images, kind):
    makers = {"clip": (CLIPModel, CLIPConfig), "siglip": (SiglipModel, SiglipConfig)}
    make, config = makers[kind]
    network = randomise(make(config(text_config=TEXT, vision_config=VISION)))
    loaded = load(f"hf:{write(tmp_path / kind, network)}")
    backbone = loaded.backbone()
    assert (backbone.channels, backbone.strides) == ((16,), (16,))
    pixels = images(32)
    with torch.inference_mode():
        (grid,) = backbone.module.eval()(pixels)
        tokens = network.vision_model(loaded.model.standardise(pixels)).last_hidden_state
    assert torch.allclose(grid.flatten(2).transpose(1, 2), tokens[:, -4:], atol=1e-5)


def test_pixels_that_are_not_standardised(tmp_path, randomise, images):
    network = randomise(CLIPModel(CLIPConfig(text_config=TEXT, vision_config=VISION)))
    loaded = load(f"hf:{write(tmp_path / 'plain', network, do_normalize=False)}")
    pixels = images(32)
    assert torch.equal(loaded.model.standardise(pixels), (pixels / 255).expand(-1, 3, -1, -1))


def test_a_missing_weight_is_named_and_not_left_random(clip):
    from safetensors.torch import load_file, save_file

    path = clip[1] / "model.safetensors"
    state = load_file(path)
    del state["visual_projection.weight"]
    save_file(state, path, {"format": "pt"})
    with pytest.raises(ModelError, match=r"'visual_projection\.weight'; they are not left random"):
        load(f"hf:{clip[1]}")


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_of_its_own_is_never_run(clip, name):
    path = clip[1] / name
    content = json.loads(path.read_text()) | {"auto_map": {"AutoModel": "own.Model"}}
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=f"{name} asks for Python code of its own"):
        load(f"hf:{clip[1]}")


def test_what_is_no_image_text_model(text_folder):
    about = json.loads((text_folder / "config.json").read_text())
    del about["auto_map"]
    (text_folder / "config.json").write_text(json.dumps(about))
    with pytest.raises(ModelError, match="cannot be read"):
        load(f"hf:{text_folder}")


def test_a_folder_without_a_config(tmp_path):
    with pytest.raises(ModelError, match=r"has no config\.json"):
        load(f"hf:{tmp_path}")


def test_a_pickle_that_runs_code_is_refused(clip, bomb):
    path, crater = bomb
    (clip[1] / "model.safetensors").unlink()
    path.rename(clip[1] / "pytorch_model.bin")
    with pytest.raises(ModelError, match="can run code and is not loaded"):
        load(f"hf:{clip[1]}")
    assert not crater.exists()
