from pathlib import Path

import pytest
import torch
from medfilip_app.loaded import load
from medfilip_app.texts import remembering
from medfilip_model.checkpoint import load_checkpoint
from medfilip_model.encode import encode_texts
from medfilip_model.model import MedFILIP

TEXTS = ["small left pleural effusion", "mass", "no finding"]


@pytest.fixture
def model(run: Path) -> MedFILIP:
    return load_checkpoint(run).model.eval()


def test_embeddings_are_those_of_the_model(model: MedFILIP):
    view = remembering(model)
    for texts in (TEXTS, TEXTS[::-1], TEXTS[:1] * 3):
        known = encode_texts(model, texts)
        assert torch.allclose(encode_texts(view, texts), known, atol=1e-6)
    again = [*TEXTS, *TEXTS[::-1]]
    assert torch.allclose(view.encode_text(again), model.encode_text(again), atol=1e-6)


def test_each_text_is_embedded_once(model: MedFILIP, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    own = MedFILIP.encode_text

    def counted(self: MedFILIP, texts: list[str]) -> torch.Tensor:
        asked.extend(texts)
        return own(self, texts)

    monkeypatch.setattr(MedFILIP, "encode_text", counted)
    view = remembering(model)
    encode_texts(view, [*TEXTS, TEXTS[0]])
    encode_texts(view, [TEXTS[1], "nodule"])
    assert asked == [*TEXTS, "nodule"]


def test_the_model_itself_stays_as_it_is(model: MedFILIP):
    remembering(model)
    assert "encode_text" not in vars(model)


def test_more_texts_than_are_kept(model: MedFILIP):
    view = remembering(model, most=1)
    assert torch.allclose(encode_texts(view, TEXTS), encode_texts(model, TEXTS), atol=1e-6)


def test_a_loaded_run_remembers(run: Path):
    assert "encode_text" in vars(load(run).model)
