from pathlib import Path

import open_clip
import pytest
import torch
from medfilip_model.config import TextTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers import text_tower, tokenizer
from safetensors.torch import save_file
from torch import nn

TEXTS = [
    "small left effusion",
    "large left effusion",
    "small right effusion",
    "left small effusion",
]
KINDS = ["clip", "open_clip", "hf-mean", "hf-cls"]


def config(kind: str, folder: Path, **more: object) -> TextTowerConfig:
    shape: dict[str, dict[str, object]] = {
        "clip": {"width": 16, "heads": 2, "layers": 1},
        "open_clip": {"name": "tiny-RN"},
        "hf-mean": {"name": str(folder), "weights": "pretrained"},
        "hf-cls": {"name": str(folder), "weights": "pretrained", "pooling": "cls"},
    }
    base = {"kind": kind.partition("-")[0], "context": 16, **shape[kind]}
    return TextTowerConfig.model_validate({**base, **more})


def make(found: TextTowerConfig) -> nn.Module:
    torch.manual_seed(0)
    return text_tower(found, 8).eval()


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_padding_changes_nothing(kind: str, bert_folder: Path):
    found = config(kind, bert_folder)
    tower, split = make(found), tokenizer(found)
    tokens = split(TEXTS[:1])
    padded = nn.functional.pad(tokens, (0, 16 - tokens.shape[1]), value=split.pad)
    assert padded.shape[1] > tokens.shape[1]
    torch.testing.assert_close(tower(padded), tower(tokens), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_every_word_and_its_place_counts(kind: str, bert_folder: Path):
    """With a mask the wrong way round, words would not be read."""
    found = config(kind, bert_folder)
    assert torch.pdist(make(found)(tokenizer(found)(TEXTS))).min() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_text_that_is_cut_is_still_read_at_its_end(kind: str, bert_folder: Path):
    """The last word that fits matters, the first that does not fit does not."""
    found = config(kind, bert_folder, context=8)
    tower, split = make(found), tokenizer(found)
    words = ["small", "left", "mass", "in", "the", "upper", "lobe"]  # one token each
    whole = tower(split([" ".join(words)]))
    torch.testing.assert_close(tower(split([" ".join([*words[:6], "mass"])])), whole)
    assert (tower(split([" ".join([*words[:5], "right", "lobe"])])) - whole).norm() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_learns(kind: str, bert_folder: Path):
    found = config(kind, bert_folder)
    tower = make(found).train()
    tower(tokenizer(found)(TEXTS)).square().sum().backward()
    assert [name for name, p in tower.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_half_precision(kind: str, bert_folder: Path):
    found = config(kind, bert_folder)
    tower, tokens = make(found), tokenizer(found)(TEXTS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = tower(tokens).float()
    assert torch.cosine_similarity(low, tower(tokens)).min() > 0.99


@pytest.mark.parametrize("gelu", ["", "-quickgelu"])
@torch.no_grad()
def test_a_whole_clip_gives_its_text_tower(gelu: str, tmp_path: Path, bert_folder: Path):
    """Its own projection included, with fewer positions, and texts as long as they are."""
    torch.manual_seed(1)
    theirs = open_clip.create_model(f"tiny-RN{gelu}").eval()
    save_file(theirs.state_dict(), tmp_path / "w.safetensors")
    found = config(
        "open_clip", bert_folder, name=f"tiny-RN{gelu}", weights=str(tmp_path / "w.safetensors")
    )
    tower = make(found)
    expected = (
        theirs.encode_text(open_clip.get_tokenizer("RN50")(TEXTS)) @ tower.projection.weight.T
    )
    torch.testing.assert_close(tower(tokenizer(found)(TEXTS)), expected, atol=1e-5, rtol=1e-4)


def test_a_context_longer_than_the_weights(tmp_path: Path, bert_folder: Path):
    save_file(open_clip.create_model("tiny-RN").state_dict(), tmp_path / "w.safetensors")
    weights = str(tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match=r"context = 96: .* knows 77 positions; give '--set"):
        make(config("open_clip", bert_folder, weights=weights, context=96))
    assert make(config("open_clip", bert_folder, context=96)).model.num_pos == 96


def test_weights_of_our_own_transformer(tmp_path: Path, bert_folder: Path):
    first = make(config("clip", bert_folder))
    save_file(first.state_dict(), tmp_path / "w.safetensors")
    torch.manual_seed(5)
    again = text_tower(
        config("clip", bert_folder, weights=str(tmp_path / "w.safetensors")), 8
    ).eval()
    tokens = tokenizer(config("clip", bert_folder))(TEXTS)
    torch.testing.assert_close(again(tokens), first(tokens))


def test_what_does_not_fit(bert_folder: Path):
    with pytest.raises(ConfigError, match="width 16 is no multiple of 3 heads"):
        make(config("clip", bert_folder, heads=3))
    for name in ("ViT-B-16-SigLIP", "coca_ViT-B-32"):
        with pytest.raises(ConfigError, match=rf"text tower of open_clip's '{name}' is not CLIP's"):
            make(config("open_clip", bert_folder, name=name))
    with pytest.raises(
        ConfigError, match=r"model\.text\.weights: 'openai' is no file; give a file"
    ):
        make(config("clip", bert_folder, weights="openai"))
