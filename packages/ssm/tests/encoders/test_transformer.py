import json
import logging
import shutil

import pytest
import torch
from ssm import EncoderError, load_encoder
from ssm.encoders.transformer import load_transformer, pool_tokens

TEXTS = [
    "a dog",
    "the small red car runs on the large blue beach in the snow",
    "snow",
    "a cat sleeps in the car",
    "the dog runs",
]


@pytest.fixture
def bert_copy(tiny_bert, tmp_path):
    return shutil.copytree(tiny_bert, tmp_path / "copy")


def test_pool_tokens_by_hand():
    hidden = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [99.0, 99.0]]])
    mask = torch.tensor([[1, 1, 0]])
    torch.testing.assert_close(pool_tokens(hidden, mask, "mean"), torch.tensor([[2.0, 4.0]]))
    torch.testing.assert_close(pool_tokens(hidden, mask, "cls"), torch.tensor([[1.0, 2.0]]))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_equals_one_text_at_a_time_without_padding(tiny_bert, pooling):
    from transformers import BertModel, BertTokenizer

    tokenizer = BertTokenizer.from_pretrained(tiny_bert)
    model = BertModel.from_pretrained(tiny_bert, add_pooling_layer=False).eval()
    rows = []
    for text in TEXTS:
        ids = tokenizer(text, return_tensors="pt", truncation=True, max_length=16)
        with torch.no_grad():
            hidden = model(**ids).last_hidden_state[0]
        rows.append(hidden.mean(0) if pooling == "mean" else hidden[0])
    expected = torch.nn.functional.normalize(torch.stack(rows), dim=1)
    encoder = load_encoder(f"hf:{tiny_bert}#{pooling}", device="cpu")
    found = encoder.encode(TEXTS, batch_size=2, progress=True)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert encoder.name == f"hf:{tiny_bert}#{pooling}"
    assert not found.requires_grad
    assert not found.is_inference()


def test_batches_change_nothing_and_order_is_kept(tiny_bert):
    encoder = load_encoder(f"hf:{tiny_bert}", device="cpu")
    whole = encoder.encode(TEXTS)
    for batch_size in (1, 3):
        torch.testing.assert_close(encoder.encode(TEXTS, batch_size=batch_size), whole)
    torch.testing.assert_close(encoder.encode(TEXTS[::-1]), whole.flip(0))
    assert encoder.encode([]).shape == (0, 16)


def test_the_cut_is_said(tiny_bert, caplog):
    encoder = load_encoder(f"hf:{tiny_bert}", device="cpu")
    assert encoder.max_length == 16
    with caplog.at_level(logging.WARNING, logger="ssm"):
        encoder.encode(TEXTS)
    assert not caplog.records
    long = " ".join(["dog"] * 40)
    with caplog.at_level(logging.WARNING, logger="ssm"):
        vectors = encoder.encode(["a dog", long, f"{long} cat"])
    assert "2 of 3 texts fill all 16 tokens" in caplog.text
    torch.testing.assert_close(vectors[1], vectors[2])


def test_fingerprint_follows_what_changes_the_answer(tiny_bert, bert_copy):
    first = load_transformer("a", tiny_bert, device="cpu").fingerprint
    assert load_transformer("b", bert_copy, device="cpu").fingerprint == first
    (bert_copy / "README.md").write_text("words")
    assert load_transformer("b", bert_copy, device="cpu").fingerprint == first
    others = [
        load_transformer("a", tiny_bert, pooling="cls", device="cpu").fingerprint,
        load_transformer("a", tiny_bert, max_length=8, device="cpu").fingerprint,
    ]
    config = json.loads((bert_copy / "config.json").read_text())
    (bert_copy / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}))
    others.append(load_transformer("b", bert_copy, device="cpu").fingerprint)
    (bert_copy / "config.json").write_text((tiny_bert / "config.json").read_text())
    from safetensors.torch import load_file, save_file

    weights = load_file(bert_copy / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][7, 3] += 1e-3
    save_file(weights, bert_copy / "model.safetensors", metadata={"format": "pt"})
    others.append(load_transformer("b", bert_copy, device="cpu").fingerprint)
    assert len({first, *others}) == 5


def test_old_layout_with_a_pickled_checkpoint_and_a_bare_vocabulary(tiny_bert, bert_copy):
    """The paper's encoder comes as config.json, vocab.txt and pytorch_model.bin alone."""
    from safetensors.torch import load_file

    torch.save(load_file(bert_copy / "model.safetensors"), bert_copy / "pytorch_model.bin")
    for path in bert_copy.iterdir():
        if path.name not in ("config.json", "vocab.txt", "pytorch_model.bin"):
            path.unlink()
    old = load_encoder(f"hf:{bert_copy}", device="cpu")
    new = load_encoder(f"hf:{tiny_bert}", device="cpu")
    assert old.max_length == 14
    torch.testing.assert_close(old.encode(TEXTS[2:]), new.encode(TEXTS[2:]))


def test_a_folder_that_lacks_files(bert_copy):
    (bert_copy / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match=r"lacks weights \(model.safetensors"):
        load_encoder(f"hf:{bert_copy}")


def test_weights_that_do_not_belong(bert_copy):
    from safetensors.torch import load_file, save_file

    weights = load_file(bert_copy / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, bert_copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"1 weights are not in the file.*layer\.1\.output"):
        load_encoder(f"hf:{bert_copy}", device="cpu")


@pytest.mark.parametrize("content", ["not json", '{"model_type": "no-such-model"}'])
def test_an_unreadable_configuration(bert_copy, content):
    (bert_copy / "config.json").write_text(content)
    with pytest.raises(EncoderError, match="cannot be read"):
        load_encoder(f"hf:{bert_copy}", device="cpu")


def test_cut_weights(bert_copy):
    weights = bert_copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(EncoderError, match="cannot be read"):
        load_encoder(f"hf:{bert_copy}", device="cpu")


def test_remote_code_is_not_run(bert_copy):
    config = json.loads((bert_copy / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModel": "own.M"}}
    (bert_copy / "config.json").write_text(json.dumps(config))
    (bert_copy / "own.py").write_text("raise SystemExit('ran')")
    with pytest.raises(EncoderError, match="cannot be read"):
        load_encoder(f"hf:{bert_copy}", device="cpu")


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
@pytest.mark.parametrize("kind", ["hf", "st"])
def test_a_device_that_is_not_there(tiny_bert, kind, device):
    with pytest.raises(EncoderError, match=f"device '{device}' cannot be used here; use 'cpu'"):
        load_encoder(f"{kind}:{tiny_bert}", device=device)


def test_an_encoder_decoder_is_refused(tmp_path, tiny_bert):
    from transformers import T5Config, T5Model

    config = T5Config(vocab_size=32, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=1)
    T5Model(config).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_bert / name, tmp_path)
    with pytest.raises(EncoderError, match="T5Model is no plain text encoder"):
        load_encoder(f"hf:{tmp_path}", device="cpu")


@pytest.mark.usefixtures("unchecked_shapes")
def test_unknown_pooling(tiny_bert):
    with pytest.raises(EncoderError, match="unknown pooling 'max', use 'mean' or 'cls'"):
        load_transformer("x", tiny_bert, pooling="max")
    with pytest.raises(EncoderError, match="unknown pooling 'max', use '#mean' or '#cls'"):
        load_encoder(f"hf:{tiny_bert}#max")
