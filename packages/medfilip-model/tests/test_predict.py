from pathlib import Path

import pytest
from iki_knowledge import IkiError, KnowledgeBase
from medfilip_model.model import MedFILIP
from medfilip_model.predict import predict


def test_classes_are_ranked_and_broken_files_listed(
    tiny_model: MedFILIP, kb: KnowledgeBase, folder: Path, tmp_path: Path
):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"broken")
    files = [folder / "images" / "im-000.png", broken, folder / "images" / "im-001.png"]
    predictions, skipped = predict(tiny_model, files, kb)
    assert [p.file for p in predictions] == [str(files[0]), str(files[2])]
    assert [s.file for s in skipped] == [str(broken)]
    scores = predictions[0].scores
    assert {s.label: s.category for s in scores} == kb.classes("chestxray14")
    assert [s.similarity for s in scores] == sorted((s.similarity for s in scores), reverse=True)


def test_no_readable_file(tiny_model: MedFILIP, kb: KnowledgeBase, tmp_path: Path):
    predictions, skipped = predict(tiny_model, [tmp_path / "absent.png"], kb)
    assert (predictions, len(skipped)) == ((), 1)


def test_an_unknown_data_set(tiny_model: MedFILIP, kb: KnowledgeBase, folder: Path):
    with pytest.raises(IkiError, match="unknown data set 'chestxray41'"):
        predict(tiny_model, [folder / "images" / "im-000.png"], kb, classes="chestxray41")
