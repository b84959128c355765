import numpy as np
import pytest
from iki_knowledge import KnowledgeBase
from medfilip_model.calibration import Calibration
from medfilip_model.classes import ClassQuestions, ClassScore, score_classes
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.model import MedFILIP
from medfilip_model.presence import ask, entity_queries
from medfilip_model.zeroshot import class_prompts, encode_classes
from scipy.special import expit


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (3, 32, 32), dtype=np.uint8)


def scores_of(
    model: MedFILIP, kb: KnowledgeBase, pixels: np.ndarray, calibration: Calibration | None
) -> list[tuple[ClassScore, ...]]:
    asked = ClassQuestions.of(model, kb, kb.classes("chestxray14"), calibration)
    return score_classes(model, pixels, encode_images(model, pixels), asked)


def test_probabilities_are_those_of_the_curves(
    fusion_model: MedFILIP, kb: KnowledgeBase, pixels: np.ndarray, calibration: Calibration
):
    found = scores_of(fusion_model, kb, pixels, calibration)
    own, pooled = calibration.classes.own["mass"], calibration.classes.pooled
    assert calibration.presence is not None
    head = calibration.presence.own["mass"]
    embedded = encode_images(fusion_model, pixels)
    normal = encode_texts(fusion_model, [calibration.normal])[0]
    centre = embedded.new_tensor(calibration.centre)
    logits = ask(fusion_model, pixels, entity_queries(fusion_model, ["mass"], kb)).presence
    for row, scores in enumerate(found):
        by_label = {score.label: score for score in scores}
        beside = float((embedded[row] - centre) @ normal)
        for label, curve, source in (("Mass", own, "own"), ("Hernia", pooled, "pooled")):
            assert curve is not None
            score = by_label[label]
            text = encode_classes(fusion_model, class_prompts(kb, [score.category]))[0]
            odds = curve.slope * float((embedded[row] - centre) @ text)
            expected = expit(odds + curve.beside * beside + curve.offset)
            assert score.probability == pytest.approx(expected, abs=1e-4)
            assert score.similarity == pytest.approx(float(embedded[row] @ text), abs=1e-5)
            assert score.calibrated == source
        present = expit(head.slope * float(logits[row, 0]) + head.offset)
        assert by_label["Mass"].presence == pytest.approx(present, abs=1e-4)
        # No curve of its own, and none pooled.
        assert by_label["Hernia"].presence is None
        probable = [score.probability or 0 for score in scores]
        assert probable == sorted(probable, reverse=True)


def test_a_dual_encoder_has_no_presence(
    tiny_model: MedFILIP, kb: KnowledgeBase, pixels: np.ndarray, calibration: Calibration
):
    assert {score.presence for score in scores_of(tiny_model, kb, pixels, calibration)[0]} == {None}


def test_without_a_calibration_the_most_similar_come_first(
    tiny_model: MedFILIP, kb: KnowledgeBase, pixels: np.ndarray
):
    for scores in scores_of(tiny_model, kb, pixels, None):
        similar = [score.similarity for score in scores]
        assert similar == sorted(similar, reverse=True)
        assert {(one.probability, one.presence, one.calibrated) for one in scores} == {
            (None, None, None)
        }
