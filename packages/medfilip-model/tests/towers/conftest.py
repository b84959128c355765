"""Tiny models of each library, under names that its own registry knows."""

import json
from pathlib import Path

import open_clip
import pytest
import torch

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
VISION = {
    "tiny-RN": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
    "tiny-ViT": {"image_size": 32, "patch_size": 8, "layers": 2, "width": 32, "head_width": 16},
}
WORDS = ["small", "large", "left", "right", "effusion", "mass", "in", "the", "upper", "lobe"]


@pytest.fixture(scope="session", autouse=True)
def _tiny_open_clip(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("open-clip")
    for name, vision in VISION.items():
        shape = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": TEXT}
        for full, more in ((name, {}), (f"{name}-quickgelu", {"quick_gelu": True})):
            (folder / f"{full}.json").write_text(json.dumps({**shape, **more}))
    open_clip.add_model_config(folder)


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers with random weights and a vocabulary of few words."""
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("tiny-bert")
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n", encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=24).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocab),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
        # Larger than usual, so that what a text says moves its vector by more than rounding.
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(folder)
    return folder
