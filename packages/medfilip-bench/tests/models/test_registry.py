"""Names → models; an unknown one suggests the near ones."""

import pytest
from medfilip_bench.errors import ModelError, UnknownNameError
from medfilip_bench.models.base import ImageTextModel
from medfilip_bench.models.registry import CUSTOM, MODELS, load


@pytest.mark.parametrize(
    ("spec", "near"),
    [
        ("randm", "random"),
        ("rnu:PATH", "run"),
        ("opn_clip:RN50/openai", "open_clip"),
        ("medklp:x.pt", "medklip"),
        ("torchxray:densenet", "torchxrayvision"),
    ],
)
def test_unknown_names_suggest_near_ones(spec, near):
    with pytest.raises(UnknownNameError) as caught:
        load(spec)
    assert f"did you mean {near!r}" in str(caught.value)


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ModelError, match="no module 'zzzz_nowhere'"):
        load("zzzz_nowhere:make")


@pytest.mark.parametrize("name", sorted({name.partition(":")[0] for name in MODELS} - {"module"}))
def test_every_listed_name_has_a_loader(name):
    if name == "random":
        assert isinstance(load(name).model, ImageTextModel)
        return
    # Each refuses an argument that names nothing, in words of its own.
    with pytest.raises(Exception, match=r"nothing-of-this-name|does not exist"):
        load(f"{name}:./nothing-of-this-name.pt")


def test_the_users_own_is_listed():
    assert CUSTOM in MODELS


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("open_clip:ViT-B-23/openai", "'ViT-B-32'"),
        ("open_clip:ViT-B-32/opneai", "'openai'"),
        ("timm:resnt50", "'resnet50'"),
        ("timm:resnet50.a1_in2k", "'resnet50.a1_in1k'"),
        ("torchxrayvision:densenet121-res224-al", "'densenet121-res224-all'"),
    ],
)
def test_names_of_the_libraries_suggest_near_ones_too(spec, hint):
    with pytest.raises(UnknownNameError, match="did you mean") as caught:
        load(spec)
    assert hint in str(caught.value)
    assert len(str(caught.value)) < 2500


@pytest.mark.parametrize(
    "spec",
    [
        "timm:resnet50",
        "open_clip:ViT-B-32/openai",
        "hf:openai/clip-vit-base-patch32",
        "open_clip:hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
    ],
)
def test_a_hub_out_of_reach_is_one_line_that_says_what_to_do(spec, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="on a connected machine run 'hf download ") as caught:
        load(spec)
    assert "\n" not in str(caught.value)
    assert "--set" not in str(caught.value)
    assert "and give '" in str(caught.value)
