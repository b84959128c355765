import numpy as np
import pytest
from iki_knowledge import KnowledgeBase
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.model import MedFILIP
from medfilip_model.statements.asking import ask_statements, joined
from medfilip_model.statements.questions import Questions, mirrored, questions
from torch.nn import functional


@pytest.fixture(scope="session")
def asked(kb: KnowledgeBase) -> Questions:
    return questions(kb, ["nodule", "hernia"], template="paper", normal="clear")


def films(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32), dtype=np.uint8)


def test_scores_are_cosines_of_images_and_of_their_halves(tiny_model: MedFILIP, asked: Questions):
    pixels = films(3)
    found = ask_statements(tiny_model, pixels, encode_images(tiny_model, pixels), asked)
    texts = [encode_texts(tiny_model, group).mean(dim=0) for group in asked.prompts]
    unit = [functional.normalize(text, dim=0) for text in texts]

    def cosines(images: np.ndarray, count: int) -> list[list[float]]:
        rows = encode_images(tiny_model, images)
        return [[float(row @ text) for text in unit[:count]] for row in rows]

    np.testing.assert_allclose(found.whole, cosines(pixels, len(asked.prompts)), atol=1e-5)
    left, right = mirrored(pixels)
    np.testing.assert_allclose(found.halves["left"], cosines(left, 3), atol=1e-5)
    np.testing.assert_allclose(found.halves["right"], cosines(right, 3), atol=1e-5)
    assert found.whole.dtype == np.float64
    assert np.abs(found.halves["left"] - found.halves["right"]).max() > 1e-4


def test_parts_are_joined_in_their_order(tiny_model: MedFILIP, asked: Questions):
    pixels = films(4)
    embedded = encode_images(tiny_model, pixels)
    whole = ask_statements(tiny_model, pixels, embedded, asked)
    parts = [
        ask_statements(tiny_model, pixels[a:b], embedded[a:b], asked) for a, b in ((0, 3), (3, 4))
    ]
    again = joined(parts)
    np.testing.assert_allclose(again.whole, whole.whole, atol=1e-5)
    for half in ("left", "right"):
        np.testing.assert_allclose(again.halves[half], whole.halves[half], atol=1e-5)
