import json
import logging
import pickle
import shutil
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from ssm import EncoderError, EncoderUnavailableError, load_encoder
from ssm.encoders.reading import reading, refuse_own_code

KINDS = pytest.mark.parametrize("kind", ["hf", "st"])


@pytest.fixture
def folder(tiny_bert, tmp_path):
    return shutil.copytree(tiny_bert, tmp_path / "copy")


@pytest.fixture
def trap(tmp_path):
    """A file that is there once code of a model has run."""
    return tmp_path / "it-ran"


def change(path, **entries):
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | entries))


def plant(folder, trap):
    code = f"import pathlib\npathlib.Path({str(trap)!r}).write_text('ran')\n"
    code += "class Own: pass\n"
    (folder / "own.py").write_text(code)


@KINDS
@pytest.mark.parametrize(
    ("file", "entries"),
    [
        ("config.json", {"auto_map": {"AutoModel": "own.Own"}}),
        ("config.json", {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}),
        ("config.json", {"text_config": {"auto_map": {"AutoModel": "own.Own"}}}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["own.Own", None]}}),
        ("processor_config.json", {"auto_map": {"AutoProcessor": "own.Own"}}),
    ],
)
def test_code_that_comes_with_a_model_is_never_run(folder, trap, kind, file, entries, monkeypatch):
    plant(folder, trap)
    change(folder / file, **entries)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(EncoderError, match=f"'{file}' asks for Python code of its own") as caught:
        load_encoder(f"{kind}:{folder}", device="cpu")
    assert "own.Own" in str(caught.value)
    assert not trap.exists()
    assert "own" not in sys.modules


def test_a_module_class_of_its_own_is_never_imported(folder, trap, monkeypatch):
    plant(folder, trap)
    modules = [{"idx": 0, "name": "0", "path": "", "type": "own.Own"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(EncoderError, match=r"'modules\.json' asks for .*class own\.Own"):
        load_encoder(f"st:{folder}", device="cpu")
    assert not trap.exists()


def test_the_traps_would_spring(folder, trap, monkeypatch):
    plant(folder, trap)
    monkeypatch.syspath_prepend(str(folder))
    __import__("own")
    sys.modules.pop("own")
    assert trap.exists()


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, trap):
        self.trap = trap

    def __reduce__(self):
        return (self.trap.write_text, ("ran",))


@KINDS
@pytest.mark.parametrize("bare", [False, True], ids=["torch", "pickle"])
def test_a_pickle_that_runs_code_is_not_loaded(folder, trap, kind, bare):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    content = {**weights, "payload": Payload(trap)}
    if bare:
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(content))
    else:
        torch.save(content, folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"can run code and is not loaded; get the model\.safe"):
        load_encoder(f"{kind}:{folder}", device="cpu")
    assert not trap.exists()
    pickle.loads(pickle.dumps(Payload(trap)))  # the trap works
    assert trap.exists()


@KINDS
@pytest.mark.parametrize("keep", [0, 7, 1000, -10])
def test_weights_cut_short(folder, kind, keep):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(EncoderError, match=r"cannot be read: its weights are cut short or damaged"):
        load_encoder(f"{kind}:{folder}", device="cpu")


@KINDS
def test_weights_that_do_not_belong(folder, kind):
    """The libraries would fill the gap with random numbers and go on."""
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"1 weights are not in the file.*layer\.1\.output"):
        load_encoder(f"{kind}:{folder}", device="cpu")


@KINDS
def test_weights_of_another_size(folder, kind):
    change(folder / "config.json", intermediate_size=33)
    with pytest.raises(EncoderError, match="cannot be read"):
        load_encoder(f"{kind}:{folder}", device="cpu")


@pytest.mark.parametrize("content", ["not json", "", '{"model_type": "no-such-model"}', "[]", "{}"])
@KINDS
def test_an_unreadable_configuration(folder, kind, content):
    (folder / "config.json").write_text(content)
    with pytest.raises(EncoderError, match="cannot be read"):
        load_encoder(f"{kind}:{folder}", device="cpu")


@KINDS
def test_an_unreadable_tokenizer(folder, kind):
    for path in folder.glob("*token*"):
        path.write_text("{}")
    with pytest.raises(EncoderError):
        load_encoder(f"{kind}:{folder}", device="cpu")


def copy_tokenizer(source, target):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / name, target)


def test_an_encoder_decoder_is_refused(tmp_path, tiny_bert):
    from transformers import T5Config, T5Model

    config = T5Config(vocab_size=32, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=1)
    T5Model(config).save_pretrained(tmp_path)
    copy_tokenizer(tiny_bert, tmp_path)
    with pytest.raises(EncoderError, match="a model of kind 't5' is no plain text encoder"):
        load_encoder(f"hf:{tmp_path}", device="cpu")


@pytest.mark.parametrize("with_tokenizer", [True, False])
@KINDS
def test_an_image_model_is_refused(tmp_path, tiny_bert, kind, with_tokenizer):
    from transformers import ViTConfig, ViTModel

    sizes = {"num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    ViTModel(ViTConfig(hidden_size=8, image_size=8, patch_size=4, **sizes)).save_pretrained(
        tmp_path
    )
    if with_tokenizer:
        copy_tokenizer(tiny_bert, tmp_path)
    match = "a model of kind 'vit' is no plain text encoder" if with_tokenizer else "a tokenizer"
    with pytest.raises(EncoderError, match=match):
        load_encoder(f"{kind}:{tmp_path}", device="cpu")


def test_a_missing_package_is_named():
    with (
        pytest.raises(EncoderUnavailableError, match=r"'hf:x' needs a package.*sentencepiece"),
        reading("hf:x"),
    ):
        raise ImportError("requires the sentencepiece library\nmore words")


def test_vocabularies_are_not_searched_for_classes(folder):
    (folder / "vocab.json").write_text("no json, and none of our business")
    refuse_own_code("hf:x", folder)


@KINDS
def test_reading_is_silent_and_leaves_logging_as_it_was(folder, kind, caplog, capfd):
    library = logging.getLogger("transformers")
    before = list(library.handlers), library.propagate, library.level
    with caplog.at_level(logging.WARNING):
        load_encoder(f"{kind}:{folder}", device="cpu")
    assert (list(library.handlers), library.propagate, library.level) == before
    assert not caplog.records
    assert capfd.readouterr().err == ""
