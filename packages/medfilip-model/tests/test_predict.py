from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from iki_knowledge import IkiError, KnowledgeBase
from medfilip_model.calibration import Calibration
from medfilip_model.data.decode import load_image
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.errors import ConfigError
from medfilip_model.model import MedFILIP
from medfilip_model.predict import choose_classes, predict, shown_classes


@pytest.fixture
def files(folder: Path) -> list[Path]:
    return [folder / "images" / f"im-{n:03}.png" for n in range(3)]


def test_classes_are_ranked_and_broken_files_listed(
    tiny_model: MedFILIP, kb: KnowledgeBase, files: list[Path], tmp_path: Path
):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"broken")
    predictions, skipped = predict(tiny_model, [files[0], broken, files[1]], kb)
    assert [p.file for p in predictions] == [str(files[0]), str(files[1])]
    assert [s.file for s in skipped] == [str(broken)]
    scores = predictions[0].scores
    assert {s.label: s.category for s in scores} == kb.classes("chestxray14")
    assert [s.similarity for s in scores] == sorted((s.similarity for s in scores), reverse=True)
    assert {(s.probability, s.presence, s.calibrated) for s in scores} == {(None, None, None)}
    assert predictions[0].reasons is None


def test_each_file_is_held_against_no_finding_as_well(
    tiny_model: MedFILIP, kb: KnowledgeBase, files: list[Path], calibration: Calibration
):
    predictions, _ = predict(tiny_model, files, kb, calibration=calibration)
    embedded = encode_images(tiny_model, np.stack([load_image(file, 32) for file in files]))
    normal = encode_texts(tiny_model, [calibration.normal])[0]
    told = [prediction.normal for prediction in predictions]
    assert told == pytest.approx((embedded @ normal).tolist(), abs=1e-5)


def test_reasons_stand_in_the_order_of_the_scores(
    tiny_model: MedFILIP, kb: KnowledgeBase, files: list[Path], calibration: Calibration
):
    predictions, _ = predict(tiny_model, files, kb, calibration=calibration, reasons=True)
    for one in predictions:
        assert one.reasons is not None
        assert [r.category for r in one.reasons.classes] == [s.category for s in one.scores]
    first, last = predictions[0].reasons, predictions[2].reasons
    assert first is not None
    assert first != last


def test_files_are_read_in_parts(
    tiny_model: MedFILIP,
    kb: KnowledgeBase,
    files: list[Path],
    calibration: Calibration,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    many = [files[0], tmp_path / "absent.png", files[1], files[2]]
    whole = predict(tiny_model, many, kb, calibration=calibration)
    monkeypatch.setattr("medfilip_model.predict._PART", 2)
    parts = predict(tiny_model, many, kb, calibration=calibration)
    assert [p.file for p in parts[0]] == [p.file for p in whole[0]] == list(map(str, files))
    assert parts[1] == whole[1]
    for one, two in zip(whole[0], parts[0], strict=True):
        assert [s.similarity for s in one.scores] == pytest.approx(
            [s.similarity for s in two.scores], abs=1e-5
        )


def test_no_readable_file(tiny_model: MedFILIP, kb: KnowledgeBase, tmp_path: Path):
    predictions, skipped = predict(tiny_model, [tmp_path / "absent.png"], kb, reasons=True)
    assert (predictions, len(skipped)) == ((), 1)


def test_an_unknown_data_set(tiny_model: MedFILIP, kb: KnowledgeBase, files: list[Path]):
    with pytest.raises(IkiError, match="unknown data set 'chestxray41'"):
        predict(tiny_model, files, kb, classes="chestxray41")


def test_classes_are_chosen_by_label_or_category():
    named = {"Effusion": "pleural_effusion", "Mass": "mass", "Nodule": "nodule"}
    assert choose_classes(named, ["nodule", "PLEURAL_EFFUSION", "Nodule"]) == ("Nodule", "Effusion")
    with pytest.raises(ConfigError, match="unknown class 'Masss': did you mean 'Mass'"):
        choose_classes(named, ["Masss"])
    with pytest.raises(ConfigError, match="the classes are Effusion, Mass, Nodule"):
        choose_classes(named, ["xyz"])


def test_the_first_classes_are_shown_unless_some_are_chosen(
    tiny_model: MedFILIP, kb: KnowledgeBase, files: list[Path]
):
    (one,), _ = predict(tiny_model, files[:1], kb)
    assert shown_classes(one) == tuple(score.label for score in one.scores[:3])
    assert shown_classes(one, ["Mass"]) == ("Mass",)
    assert shown_classes(replace(one, scores=one.scores[:1])) == (one.scores[0].label,)
