import json
import logging
import shutil

import pytest
import torch
from ssm import EncoderError, load_encoder
from ssm.encoders.minilm import minilm_folder

TEXTS = ["a small dog", "a sailing boat at sunset on a quiet sea", "two pianists"]


@pytest.mark.slow
def test_the_same_weights_through_sentence_transformers(minilm):
    """An independent implementation of tokenising, truncating and mean pooling."""
    encoder = load_encoder(f"st:{minilm_folder()}", device="cpu")
    long = " ".join(f"word{i} boat" for i in range(300))
    found = encoder.encode([*TEXTS, long], batch_size=2, progress=True)
    torch.testing.assert_close(found, minilm.encode([*TEXTS, long]), atol=1e-5, rtol=0)
    assert encoder.dim == 384
    assert encoder.name == f"st:{minilm_folder()}"
    assert encoder.encode([]).shape == (0, 384)
    assert not found.is_inference()
    assert encoder.fingerprint != minilm.fingerprint
    assert load_encoder(f"st:{minilm_folder()}", device="cpu").fingerprint == encoder.fingerprint


def test_no_such_model(tmp_path, tiny_bert):
    folder = shutil.copytree(tiny_bert, tmp_path / "copy")
    (folder / "modules.json").write_text("{")
    with pytest.raises(EncoderError, match="cannot be read"):
        load_encoder(f"st:{folder}", device="cpu")


def test_order_batches_and_formats(tiny_bert):
    texts = ["a dog", "the small red car runs on the large blue beach", "snow", "a cat sleeps"]
    encoder = load_encoder(f"st:{tiny_bert}", device="cpu")
    whole = encoder.encode(texts)
    for batch_size in (1, 3):
        torch.testing.assert_close(encoder.encode(texts, batch_size=batch_size), whole)
    torch.testing.assert_close(encoder.encode(texts[::-1]), whole.flip(0))
    half = load_encoder(f"st:{tiny_bert}", device="cpu", dtype="bfloat16")
    found = half.encode(texts)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.norm(dim=1), torch.ones(4))
    torch.testing.assert_close(found, whole, atol=2e-2, rtol=0)
    assert not torch.equal(found, whole)
    assert half.fingerprint != encoder.fingerprint
    encoder.close()  # nothing to stop, and no error


def test_a_checkpoint_in_half_precision_runs_in_the_format_asked_for(tiny_bert, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny_bert, tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    halves = {key: tensor.half() for key, tensor in weights.items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "float16"}))
    for kind in ("st", "hf"):
        model = load_encoder(f"{kind}:{folder}", device="cpu").model
        assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_the_cut_is_said_here_too(tiny_bert, caplog):
    encoder = load_encoder(f"st:{tiny_bert}", device="cpu")
    with caplog.at_level(logging.WARNING, logger="ssm"):
        encoder.encode(["a dog", "dog " * 40])
    assert "1 of 2 texts fill all 16 tokens" in caplog.text


def test_a_model_without_a_transformer(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"a": 0, "dog": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=4)]).save(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    encoder = load_encoder(f"st:{tmp_path}", device="cpu")
    assert encoder.tokens is None
    found = encoder.encode(["a dog", "dog a a", "cat"], batch_size=1)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))


def test_the_older_layout_with_a_folder_for_each_module(tiny_bert, tmp_path):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny_bert), device="cpu")
    model.save(str(tmp_path))
    (tmp_path / "0_Transformer").mkdir()
    modules = json.loads((tmp_path / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    for path in list(tmp_path.iterdir()):
        if path.is_file() and path.name not in ("modules.json", "README.md"):
            path.rename(tmp_path / "0_Transformer" / path.name)
    found = load_encoder(f"st:{tmp_path}", device="cpu").encode(["a dog", "snow"])
    expected = load_encoder(f"st:{tiny_bert}", device="cpu").encode(["a dog", "snow"])
    torch.testing.assert_close(found, expected)
