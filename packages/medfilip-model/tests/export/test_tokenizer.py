from pathlib import Path

import pytest
from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.config import ModelConfig, TextTowerConfig
from medfilip_model.export import tokenizer
from medfilip_model.export.result import ExportError
from medfilip_model.export.tokenizer import write_tokenizer
from medfilip_model.model import MedFILIP
from tokenizers import Tokenizer

HARD = ["", "Crème brûlée: 3.5 cm — the patient's  own\n words", "don't & <b>½</b>", "x " * 200]


def ids(folder: Path, texts: list[str]) -> list[list[int]]:
    read = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return [encoded.ids for encoded in read.encode_batch(texts)]


def test_every_text_of_the_dictionary_is_split_alike(
    model: MedFILIP, kb: KnowledgeBase, tmp_path: Path
):
    write_tokenizer(tmp_path, model)
    texts = [kb.text(Finding(category=category), "paper") for category in kb]
    assert ids(tmp_path, texts + HARD) == model.tokenizer(texts + HARD).tolist()


def test_of_a_bert(tiny_model_config: ModelConfig, bert_folder: Path, tmp_path: Path):
    text = TextTowerConfig(kind="hf", name=str(bert_folder), context=12)
    model = MedFILIP(tiny_model_config.model_copy(update={"text": text}))
    write_tokenizer(tmp_path, model)
    texts = ["small left effusion", "mass " * 40]
    assert ids(tmp_path, texts) == model.tokenizer(texts).tolist()
    # The model's own goes on without what was set on the copy.
    assert model.tokenizer(["mass"]).shape == (1, 3)


def test_one_that_splits_otherwise_is_refused(model: MedFILIP, tmp_path: Path, monkeypatch):
    made = tokenizer._clip()
    made.add_tokens(["pneumonia"])
    monkeypatch.setattr(tokenizer, "_clip", lambda: made)
    with pytest.raises(ExportError, match="does not split texts as"):
        write_tokenizer(tmp_path, model)
