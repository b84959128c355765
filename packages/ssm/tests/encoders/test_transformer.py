import functools
import json
import logging
import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
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
        encoder.encode([long])
    assert len(caplog.records) == 1
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


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
@pytest.mark.parametrize("kind", ["hf", "st"])
def test_a_device_that_is_not_there(tiny_bert, kind, device):
    with pytest.raises(EncoderError, match=f"device '{device}' cannot be used here; use 'cpu'"):
        load_encoder(f"{kind}:{tiny_bert}", device=device)


@pytest.mark.usefixtures("unchecked_shapes")
def test_unknown_pooling(tiny_bert):
    with pytest.raises(EncoderError, match="unknown pooling 'max', use 'mean' or 'cls'"):
        load_transformer("x", tiny_bert, pooling="max")
    with pytest.raises(EncoderError, match="unknown pooling 'max', use '#mean' or '#cls'"):
        load_encoder(f"hf:{tiny_bert}#max")


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_bfloat16(tiny_bert, pooling):
    full = load_encoder(f"hf:{tiny_bert}#{pooling}", device="cpu")
    half = load_encoder(f"hf:{tiny_bert}#{pooling}", device="cpu", dtype="bfloat16")
    assert half.model.dtype == torch.bfloat16
    found, expected = half.encode(TEXTS), full.encode(TEXTS)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.norm(dim=1), torch.ones(len(TEXTS)))
    torch.testing.assert_close(found, expected, atol=2e-2, rtol=0)
    assert not torch.equal(found, expected)
    assert half.fingerprint != full.fingerprint
    asked = load_encoder(f"hf:{tiny_bert}#{pooling}", device="cpu", dtype="float32")
    assert asked.fingerprint == full.fingerprint


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu(tiny_bert):
    expected = load_encoder(f"hf:{tiny_bert}", device="cpu").encode(TEXTS)
    exact = load_encoder(f"hf:{tiny_bert}", device="cuda", dtype="float32").encode(TEXTS)
    torch.testing.assert_close(exact, expected, atol=1e-3, rtol=0)
    found = load_encoder(f"hf:{tiny_bert}", device="cuda").encode(TEXTS)
    torch.testing.assert_close(found, expected, atol=2e-2, rtol=0)


def test_memory_that_runs_out_is_said(tiny_bert, monkeypatch):
    encoder = load_encoder(f"hf:{tiny_bert}", device="cpu")

    def full(**options):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")

    monkeypatch.setattr(encoder.model, "forward", full)
    with pytest.raises(EncoderError, match=r"does not hold batch_size=8 .* try batch_size=2"):
        encoder.encode(TEXTS, batch_size=8)


@pytest.mark.parametrize("kind", ["hf", "st"])
def test_a_tokenizer_of_another_model(bert_copy, kind):
    """Its ids lie outside the model's table: without a check an IndexError, on CUDA worse."""
    tokenizer = json.loads((bert_copy / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["zebra"] = 99
    (bert_copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    encoder = load_encoder(f"{kind}:{bert_copy}", device="cpu")
    assert encoder.encode(["a dog"]).shape == (1, 16)
    message = "gives token 99 for the text 'a zebra', but its model has 20 tokens"
    with pytest.raises(EncoderError, match=message):
        encoder.encode(["a dog", "a zebra"])


text = st.one_of(
    st.text(min_size=1, max_size=40),
    st.text(st.characters(codec="utf-8", categories=("Cc", "Cf", "Zs", "Mn", "So")), min_size=1),
    st.builds(
        lambda word, times: word * times, st.sampled_from(["dog ", "犬", "a"]), st.just(5000)
    ),
)
texts = st.lists(
    text.filter(lambda t: not t.isspace() and t.encode("utf-8", "ignore").decode() == t),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(texts=texts, batch_size=st.integers(1, 9), order=st.randoms(use_true_random=False))
@pytest.mark.parametrize("name", ["tiny", "lexical"])
def test_any_text_has_a_vector_of_its_own(tiny_bert, name, texts, batch_size, order):
    encoder = load_once(f"hf:{tiny_bert}" if name == "tiny" else name)
    found = encoder.encode(texts)
    assert found.dtype == torch.float32
    assert found.shape == (len(texts), encoder.dim)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(len(texts)), atol=1e-5, rtol=0)
    positions = list(range(len(texts)))
    order.shuffle(positions)
    shuffled = encoder.encode([texts[i] for i in positions], batch_size=batch_size)
    torch.testing.assert_close(shuffled, found[positions], atol=1e-5, rtol=0)


load_once = functools.cache(functools.partial(load_encoder, device="cpu"))
