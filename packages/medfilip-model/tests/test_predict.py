from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from iki_knowledge import IkiError, KnowledgeBase
from medfilip_model.calibration import Calibration, Curves
from medfilip_model.config import DataConfig
from medfilip_model.data.decode import load_image
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.errors import ConfigError
from medfilip_model.model import MedFILIP
from medfilip_model.platt import Curve
from medfilip_model.predict import choose_classes, predict, shown_classes
from medfilip_model.presence import ask, entity_queries
from medfilip_model.zeroshot import class_prompts, encode_classes
from scipy.special import expit

OWN = Curve(slope=30, beside=-4, offset=-1, positives=10, negatives=90)
POOLED = Curve(slope=5, beside=-1, offset=-3, positives=10, negatives=90)
HEAD = Curve(slope=2, offset=-0.5, positives=10, negatives=90)


@pytest.fixture
def files(folder: Path) -> list[Path]:
    return [folder / "images" / f"im-{n:03}.png" for n in range(3)]


@pytest.fixture
def calibration() -> Calibration:
    return Calibration(
        images=100,
        template="paper",
        normal=DataConfig().normal,
        centre=tuple(np.linspace(-0.2, 0.2, 32).tolist()),
        classes=Curves(own={"mass": OWN}, pooled=POOLED),
        attributes=Curves(own={}, pooled=POOLED),
        presence=Curves(own={"mass": HEAD}, pooled=None),
    )


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


def test_probabilities_are_those_of_the_curves(
    fusion_model: MedFILIP, kb: KnowledgeBase, files: list[Path], calibration: Calibration
):
    predictions, _ = predict(fusion_model, files, kb, calibration=calibration)
    pixels = np.stack([load_image(file, 32) for file in files])
    embedded = encode_images(fusion_model, pixels)
    normal = encode_texts(fusion_model, [calibration.normal])[0]
    centre = embedded.new_tensor(calibration.centre)
    logits = ask(fusion_model, pixels, entity_queries(fusion_model, ["mass"], kb)).presence
    for row, prediction in enumerate(predictions):
        by_label = {score.label: score for score in prediction.scores}
        beside = float((embedded[row] - centre) @ normal)
        assert prediction.normal == pytest.approx(float(embedded[row] @ normal), abs=1e-5)
        for label, curve, source in (("Mass", OWN, "own"), ("Hernia", POOLED, "pooled")):
            score = by_label[label]
            text = encode_classes(fusion_model, class_prompts(kb, [score.category]))[0]
            odds = curve.slope * float((embedded[row] - centre) @ text)
            expected = expit(odds + curve.beside * beside + curve.offset)
            assert score.probability == pytest.approx(expected, abs=1e-4)
            assert score.similarity == pytest.approx(float(embedded[row] @ text), abs=1e-5)
            assert score.calibrated == source
        present = expit(HEAD.slope * float(logits[row, 0]) + HEAD.offset)
        assert by_label["Mass"].presence == pytest.approx(present, abs=1e-4)
        # No curve of its own, and none pooled.
        assert by_label["Hernia"].presence is None
        probable = [score.probability or 0 for score in prediction.scores]
        assert probable == sorted(probable, reverse=True)


def test_a_dual_encoder_has_no_presence(
    tiny_model: MedFILIP, kb: KnowledgeBase, files: list[Path], calibration: Calibration
):
    predictions, _ = predict(tiny_model, files, kb, calibration=calibration)
    assert {score.presence for score in predictions[0].scores} == {None}


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
