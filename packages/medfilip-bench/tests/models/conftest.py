"""Hostile files, small images and small text towers, for the tests of models."""

import json
import os

import pytest
import torch

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "lung", "##s", "no", "clear", "mass")
BERT = {
    "model_type": "bert",
    "vocab_size": 16,
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 96,
    # Code that a folder asks for; never run, and here it does not even exist.
    "auto_map": {"AutoModel": "nowhere.Model"},
}


class Bomb:
    """Writes a file when a pickle of it is loaded with its code."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def bomb(tmp_path):
    """A file of weights whose pickle runs code, and what it would leave."""
    path, crater = tmp_path / "bomb.pt", tmp_path / "crater"
    torch.save({"weight": torch.zeros(1), "other": Bomb(crater)}, path)
    return path, crater


@pytest.fixture
def images():
    """The maker of grey noise images."""

    def make(size, count=2, seed=0):
        generator = torch.Generator().manual_seed(seed)
        shape = (count, 1, size, size)
        return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)

    return make


@pytest.fixture
def text_folder(tmp_path):
    """A folder with the configuration and vocabulary of a very small BERT."""
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(BERT), encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    return folder


@pytest.fixture
def randomise():
    """Gives every weight of a network a value of its own: no two layers are alike by chance."""

    def fill(network, seed=0):
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for value in network.parameters():
                value.copy_(torch.randn(value.shape, generator=generator) * 0.2)
        return network.eval()

    return fill
