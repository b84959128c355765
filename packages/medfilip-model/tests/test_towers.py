import pytest
import torch
from medfilip_model.config import ImageTowerConfig, TextTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers import PAD, image_tower, text_tower, tokenize, trim

SMALL = TextTowerConfig(width=16, heads=2, layers=1, context=16)


def test_an_unknown_image_tower_gets_near_names():
    with pytest.raises(ConfigError, match=r"timm has no model 'resnet5'; did you mean 'resnet"):
        image_tower(ImageTowerConfig(name="resnet5"))


def test_channels_where_the_family_has_none():
    with pytest.raises(ConfigError, match=r"'mobilenetv3_small_050' does not take channels"):
        image_tower(ImageTowerConfig(name="mobilenetv3_small_050", channels=(8, 8)))


def test_one_channel_in_features_out():
    tower, features = image_tower(
        ImageTowerConfig(name="resnet10t", channels=(8, 8, 16, 24), stem_width=8)
    )
    assert features == 24
    assert tower.eval()(torch.zeros(2, 1, 32, 32)).shape == (2, 24)


def test_heads_must_divide_the_width():
    with pytest.raises(ConfigError, match="width 16 is no multiple of 3 heads"):
        text_tower(TextTowerConfig(width=16, heads=3), 8)


def test_padding_changes_nothing():
    torch.manual_seed(0)
    tower = text_tower(SMALL, 8).eval()
    tokens = tokenize(["small left effusion"], 16)
    padded = torch.nn.functional.pad(tokens, (0, 16 - tokens.shape[1]), value=PAD)
    assert padded.shape[1] > tokens.shape[1]
    torch.testing.assert_close(tower(tokens), tower(padded))


def test_every_word_counts():
    """With a mask the wrong way round, words would not be read."""
    torch.manual_seed(0)
    tower = text_tower(SMALL, 8).eval()
    texts = ["small left effusion", "large left effusion", "small right effusion"]
    out = tower(tokenize(texts, 16))
    assert torch.pdist(out).min() > 1e-3


def test_long_texts_are_cut_before_the_end_token():
    tokens = tokenize(["effusion " * 40, "mass"], 10)
    assert tokens.shape == (2, 10)
    end = tokens[1].max()
    assert tokens[0, -1] == end
    assert (tokens[0] == end).sum() == 1


def test_tokens_are_trimmed_to_the_longest():
    tokens = tokenize(["mass", "small left effusion"], 16)
    assert (tokens != PAD).any(dim=0).all()
    assert trim(tokens[:1]).shape[1] == 3
    assert tokenize([], 16).shape == (0, 16)
