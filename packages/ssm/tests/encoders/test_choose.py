import logging
import shutil

import pytest
from ssm import EncoderError, EncoderUnavailableError, choose_encoder, load_encoder
from ssm.encoders import PAPER_ENCODER, choose


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def quick_minilm(monkeypatch, minilm):
    monkeypatch.setattr(choose, "load_minilm", lambda device, **options: minilm)


@pytest.mark.usefixtures("quick_minilm")
def test_without_a_hub_the_packaged_weights_stand_in_and_it_is_said(caplog):
    with caplog.at_level(logging.INFO, logger="ssm"):
        choice = choose_encoder(device="cpu")
    assert choice.name == choice.encoder.name == "minilm"
    assert PAPER_ENCODER in choice.reason
    assert "HF_HUB_OFFLINE is set" in choice.reason
    assert f"encoder minilm: {choice.reason}" in caplog.text


@pytest.mark.usefixtures("quick_minilm")
def test_no_name_is_the_same_choice(caplog):
    with caplog.at_level(logging.INFO, logger="ssm"):
        assert load_encoder(device="cpu").name == "minilm"
    assert "HF_HUB_OFFLINE is set" in caplog.text


def test_the_preferred_encoder_comes_first(tiny_bert, caplog):
    with caplog.at_level(logging.INFO, logger="ssm"):
        choice = choose_encoder(prefer=f"hf:{tiny_bert}", device="cpu")
    assert choice.name == f"hf:{tiny_bert}"
    assert choice.reason == "the preferred encoder"
    assert f"encoder hf:{tiny_bert}: the preferred encoder" in caplog.text


def test_a_name_is_taken_at_its_word():
    with pytest.raises(EncoderUnavailableError, match="HF_HUB_OFFLINE is set"):
        load_encoder(PAPER_ENCODER)


def test_a_preferred_encoder_that_is_broken_is_an_error(tiny_bert, tmp_path):
    folder = shutil.copytree(tiny_bert, tmp_path / "copy")
    (folder / "config.json").write_text("{}")
    with pytest.raises(EncoderError, match="cannot be read"):
        choose_encoder(prefer=f"hf:{folder}", device="cpu")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("minlm", "did you mean 'minilm'"),
        ("lexcal", "did you mean 'lexical'"),
        ("google/bert", "did you mean 'hf:google/bert'"),
        ("MiniLM", r"did you mean 'minilm'\?$"),
        ("all-MiniLM-L6-v2", r"did you mean 'minilm'\?$"),
        ("tf-idf", r"did you mean 'lexical'\?$"),
        ("HF:google/bert", r"did you mean 'hf:google/bert'\?$"),
        ("./models/bert", "did you mean 'hf:./models/bert'"),
        ("word2vec", "use one of hf:NAME_OR_FOLDER, st:NAME_OR_FOLDER, minilm, lexical$"),
        ("hf:", "use one of"),
        ("", "unknown encoder ''"),
        ("open:x", "unknown encoder 'open:x'"),
    ],
)
def test_unknown_names_get_near_ones(name, hint):
    with pytest.raises(EncoderError, match=hint):
        load_encoder(name)
