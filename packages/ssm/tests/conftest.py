import hashlib
import os
from collections.abc import Sequence

import jaxtyping
import pytest
import torch

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


class HashEncoder:
    """Unit vectors from a hash of the text; counts what it was asked to encode."""

    def __init__(self, name: str = "hash", dim: int = 8) -> None:
        self.name = name
        self.dim = dim
        self.fingerprint = hashlib.sha256(f"{name} {dim}".encode()).hexdigest()
        self.encoded: list[str] = []

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> torch.Tensor:
        del batch_size, progress
        self.encoded.extend(texts)
        rows = [list(hashlib.sha256(text.encode()).digest()[: self.dim]) for text in texts]
        matrix = torch.tensor(rows, dtype=torch.float32).reshape(len(texts), self.dim) - 128
        return torch.nn.functional.normalize(matrix, dim=-1)


@pytest.fixture
def hash_encoder():
    return HashEncoder()


@pytest.fixture
def other_encoder():
    return HashEncoder("other")


@pytest.fixture
def unchecked_shapes():
    """Run without jaxtyping's checks, as an installed package does, to see our own messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test reads or writes the user's caches."""
    monkeypatch.setenv("MEDFILIP_CACHE", str(tmp_path / "medfilip-cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub-cache"))


@pytest.fixture(scope="session")
def minilm():
    from ssm.encoders.minilm import load_minilm

    return load_minilm("cpu")


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """A BERT of 2 layers with random weights, and a word-piece tokenizer of few words."""
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("tiny-bert")
    words = ["a", "the", "dog", "cat", "car", "red", "blue", "small", "large", "on", "in"]
    words += ["beach", "snow", "runs", "sleeps"]
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n", encoding="utf-8")
    tokenizer = BertTokenizer(str(folder / "vocab.txt"), model_max_length=16)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocab),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder
