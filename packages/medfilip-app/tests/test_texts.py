import pytest
import torch
from medfilip_app.loaded import Loaded
from medfilip_app.texts import remembering
from medfilip_model.encode import encode_texts
from medfilip_model.model import MedFILIP

TEXTS = ["small left pleural effusion", "mass", "no finding"]


def test_embeddings_are_those_of_the_model(loaded: Loaded):
    view = remembering(loaded.model)
    for texts in (TEXTS, TEXTS[::-1], TEXTS[:1] * 3):
        known = encode_texts(loaded.model, texts)
        assert torch.allclose(encode_texts(view, texts), known, atol=1e-6)


def test_each_text_is_embedded_once(loaded: Loaded, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    own = MedFILIP.encode_text

    def counted(model: MedFILIP, texts: list[str]) -> torch.Tensor:
        asked.extend(texts)
        return own(model, texts)

    monkeypatch.setattr(MedFILIP, "encode_text", counted)
    view = remembering(loaded.model)
    encode_texts(view, [*TEXTS, TEXTS[0]])
    encode_texts(view, [TEXTS[1], "nodule"])
    assert asked == [*TEXTS, "nodule"]


def test_the_model_itself_stays_as_it_is(loaded: Loaded):
    remembering(loaded.model)
    assert "encode_text" not in vars(loaded.model)


def test_more_texts_than_are_kept(loaded: Loaded):
    view = remembering(loaded.model, most=1)
    assert torch.allclose(encode_texts(view, TEXTS), encode_texts(loaded.model, TEXTS), atol=1e-6)
