"""open_clip's models: all weights from a file, pixels and prompts as those want them."""

import json

import open_clip
import pytest
import torch
from medfilip_bench.errors import ModelError, UnknownNameError
from medfilip_bench.models.backbones import reinitialised
from medfilip_bench.models.open_clip_recipe import find_recipe
from medfilip_bench.models.registry import load
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.tokenizer import SimpleTokenizer

TEXT = {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
VISION = {"image_size": 32, "patch_size": 16, "width": 64, "layers": 2, "head_width": 16}
SMALL = {"embed_dim": 8, "vision_cfg": VISION, "text_cfg": TEXT}
RESNET = SMALL | {"vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8}}
TIMM = {
    "embed_dim": 8,
    "vision_cfg": {
        "timm_model_name": "vit_tiny_patch16_224",
        "timm_pool": "",
        "timm_proj": "linear",
        "image_size": 224,
    },
}
MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)


def write_folder(folder, config, network):
    folder.mkdir()
    about = {"model_cfg": config, "preprocess_cfg": {"mean": MEAN, "std": STD}}
    (folder / "open_clip_config.json").write_text(json.dumps(about), encoding="utf-8")
    torch.save(network.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder


@pytest.fixture
def small(tmp_path, randomise):
    network = randomise(CLIP(**SMALL))
    return network, write_folder(tmp_path / "small", SMALL, network)


def test_embeddings_are_open_clips(small, images):
    network, folder = small
    loaded = load(f"open_clip:{folder}")
    assert (loaded.name, loaded.size, loaded.template) == ("open_clip-small", 32, None)
    pixels, texts = images(32), ["a lung", "mass"]
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    with torch.inference_mode():
        seen = network.encode_image((pixels / 255 - mean) / std)
        read = network.encode_text(SimpleTokenizer(context_length=12)(texts))
        assert torch.allclose(loaded.model.encode_image(pixels), seen, atol=1e-5)
        assert torch.allclose(loaded.model.encode_text(texts), read, atol=1e-5)
        assert loaded.model.encode_text([]).shape[0] == 0


@pytest.mark.parametrize(
    ("config", "maps"),
    [
        (SMALL, [(64, 16)]),
        (RESNET, [(32, 4), (64, 8), (128, 16), (256, 32)]),
    ],
)
def test_maps_for_training(tmp_path, randomise, images, config, maps):
    folder = write_folder(tmp_path / "clip", config, randomise(CLIP(**config)))
    backbone = load(f"open_clip:{folder}").backbone()
    assert list(zip(backbone.channels, backbone.strides, strict=True)) == maps
    with torch.inference_mode():
        found = backbone.module.eval()(images(32))
        twin = reinitialised(backbone, 0).module.eval()(images(32))
    for grid, (channels, stride) in zip(found, maps, strict=True):
        assert grid.shape == (2, channels, 32 // stride, 32 // stride)
    assert not torch.allclose(found[-1], twin[-1])


def test_a_text_tower_of_transformers_and_a_trunk_of_timm(tmp_path, randomise, images, text_folder):
    """The layout of BiomedCLIP."""
    text = {
        "hf_model_name": "owner/absent",
        "hf_tokenizer_name": "owner/absent",
        "hf_proj_type": "mlp",
        "hf_pooler_type": "cls_last_hidden_state_pooler",
        "context_length": 16,
    }
    (text_folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    about = json.loads((text_folder / "config.json").read_text())
    del about["auto_map"]
    (text_folder / "config.json").write_text(json.dumps(about))
    here = text | {"hf_model_name": str(text_folder), "hf_model_pretrained": False}
    network = randomise(CustomTextCLIP(**TIMM, text_cfg=here))
    folder = write_folder(tmp_path / "biomed", TIMM | {"text_cfg": text}, network)
    for spec in (
        f"open_clip:{folder},text={text_folder}",
        f"biomedclip:{folder},text={text_folder}",
    ):
        loaded = load(spec)
        with torch.inference_mode():
            found = loaded.model.encode_text(["a lung", "no mass"])
            assert loaded.model.encode_image(images(224)).shape == (2, 8)
        # [CLS] a lung [SEP]
        tokens = torch.tensor([[2, 5, 6, 3] + [0] * 12])
        with torch.inference_mode():
            assert torch.allclose(found[:1], network.encode_text(tokens), atol=1e-5)
        assert loaded.backbone().strides == (16,)
    assert loaded.name == "biomedclip"


def test_the_text_tower_is_not_fetched_in_silence(tmp_path, randomise, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    text = {"hf_model_name": "owner/absent", "hf_tokenizer_name": "owner/absent"}
    folder = write_folder(tmp_path / "b", SMALL | {"text_cfg": text}, CLIP(**SMALL))
    with pytest.raises(ModelError, match=r"'hf download owner/absent'.*,text=FOLDER'"):
        load(f"open_clip:{folder}")


def test_a_file_of_a_named_model(tmp_path, monkeypatch):
    network = CLIP(**SMALL)
    extra = {"input_resolution": torch.tensor(32), "context_length": torch.tensor(12)}
    torch.save(network.state_dict() | extra, tmp_path / "own.pt")
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "Small-32", SMALL)
    loaded = load(f"open_clip:Small-32/{tmp_path / 'own.pt'}")
    assert loaded.name == "open_clip-Small-32-own"
    with pytest.raises(UnknownNameError, match="allowed: FILE"):
        load("open_clip:Small-32/openai")


def test_a_tag_brings_its_pixels_and_its_activation(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "medfilip_bench.models.open_clip_recipe.fetched", lambda *_: tmp_path / "x.safetensors"
    )
    found = find_recipe("x", "ViT-B-32/openai", None)
    assert found.config["quick_gelu"] is True
    assert found.preprocess["mean"] == pytest.approx((0.4815, 0.4578, 0.4082), abs=1e-4)
    siglip = find_recipe("x", "ViT-B-16-SigLIP/webli", None)
    assert siglip.preprocess["mean"] == (0.5, 0.5, 0.5)
    assert "quick_gelu" not in siglip.config


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("visual.proj"), "'visual.proj' is missing"),
        (lambda state: state.update(visual=torch.ones(1)), "'visual' is not in the model"),
        (
            lambda state: state.update({"visual.proj": torch.ones(64, 9)}),
            r"'visual.proj' is \[64, 9\] in place of \[64, 8\]",
        ),
    ],
)
def test_weights_that_do_not_fit(small, change, words):
    network, folder = small
    state = network.state_dict()
    change(state)
    torch.save(state, folder / "open_clip_pytorch_model.bin")
    with pytest.raises(ModelError, match=words):
        load(f"open_clip:{folder}")


def test_a_pickle_that_runs_code_is_refused(small, bomb):
    path, crater = bomb
    path.rename(small[1] / "open_clip_pytorch_model.bin")
    with pytest.raises(ModelError, match="can run code and is not loaded"):
        load(f"open_clip:{small[1]}")
    assert not crater.exists()


def test_folders_that_are_none(small, tmp_path):
    _, folder = small
    (folder / "open_clip_config.json").write_text('{"model_cfg": 3}')
    with pytest.raises(ModelError, match="describes no open_clip model"):
        load(f"open_clip:{folder}")
    (folder / "open_clip_pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match=r"has none of open_clip_model\.safetensors"):
        load(f"open_clip:{folder}")
    with pytest.raises(ModelError, match=r"there is no '\./none'"):
        load("open_clip:./none")


def test_captioning_models_are_not_supported(tmp_path):
    config = SMALL | {"multimodal_cfg": {}}
    folder = write_folder(tmp_path / "coca", config, CLIP(**SMALL))
    with pytest.raises(ModelError, match="CoCa"):
        load(f"open_clip:{folder}")
