import pytest
from medfilip_model.errors import ConfigError
from medfilip_model.towers.open_clip_models import clip_config, clip_state, quick_gelu


def test_the_activation_comes_with_the_tag_or_the_name():
    assert quick_gelu("RN50", "openai")
    assert not quick_gelu("RN50", None)
    assert not quick_gelu("RN50", "some/file.safetensors")
    assert quick_gelu("RN50-quickgelu", "some/file.safetensors")
    assert not quick_gelu("ViT-B-32", "laion2b_s34b_b79k")


def test_no_name():
    with pytest.raises(ConfigError, match=r"open_clip has no model None, such as 'RN50'"):
        clip_config(None)


def test_a_hub_out_of_reach_says_how_to_name_the_model():
    """A file has no tag, and so no activation: without its name the text tower would be another."""
    with pytest.raises(ConfigError) as caught:
        clip_state("RN50", "openai", "text", "model.text.weights")
    text = str(caught.value)
    assert "'open_clip_model.safetensors' of 'timm/resnet50_clip.openai'" in text
    assert "'--set model.text.weights=FILE --set model.text.name=RN50-quickgelu'" in text
    with pytest.raises(ConfigError) as caught:
        clip_state("RN50-quickgelu", "openai", "text", "model.text.weights")
    assert "model.text.name" not in str(caught.value)
