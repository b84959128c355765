import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from iki_knowledge import KnowledgeBase
from medfilip_model.statements.questions import mirrored, questions
from medfilip_model.zeroshot import class_prompts

FILMS = st.tuples(st.integers(0, 2), st.integers(2, 5)).flatmap(
    lambda shape: hnp.arrays(np.uint8, (shape[0], shape[1], shape[1]))
)


def test_categories_come_first_then_the_normal_text_then_the_grades(kb: KnowledgeBase):
    asked = questions(kb, ["nodule", "sternotomy", "hernia"], template="paper", normal="clear")
    own = class_prompts(kb, ["nodule", "sternotomy", "hernia"], "paper")
    assert asked.plain == 4
    assert asked.prompts[:4] == (*own.values(), ("clear",))
    # A nodule has four grades, a hernia three, wires none.
    assert len(asked.prompts) == 4 + 4 + 3
    assert asked.weights.shape == (2, 11)
    assert any(text.startswith("trace") for text in asked.prompts[4])
    assert not any(text.startswith("trace") for text in asked.prompts[5])
    assert any("left" in text for text in asked.prompts[4])
    assert any("large" in text for text in asked.prompts[10])


def test_each_grade_is_asked_by_its_own_words(kb: KnowledgeBase):
    asked = questions(kb, ["consolidation"], template="paper", normal="clear")
    words = [{text.split()[0] for text in own} for own in asked.prompts[asked.plain :]]
    assert words == [{"mild", "small"}, {"moderate"}, {"large", "severe"}]


def test_a_single_grade_is_no_contrast(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("medfilip_model.statements.questions.words_of", lambda *_: {2: "small"})
    asked = questions(kb, ["nodule"], template="paper", normal="clear")
    assert len(asked.prompts) == asked.plain == 2
    assert asked.weights.shape == (0, 2)


def test_grades_are_set_against_each_other(kb: KnowledgeBase):
    asked = questions(kb, ["nodule", "hernia"], template="paper", normal="clear")
    expected = np.zeros((2, 10))
    # Ranks 1 to 4 around 2.5, and 2 to 4 around 3.
    expected[0, 3:7] = -1.5, -0.5, 0.5, 1.5
    expected[1, 7:] = -1, 0, 1
    np.testing.assert_allclose(asked.weights, expected)


def test_readings_are_plain_scores_and_contrasts(kb: KnowledgeBase):
    asked = questions(kb, ["hernia"], template="paper", normal="clear")
    scores = np.array([[0.5, 0.25, 1.0, 2.0, 4.0]])
    np.testing.assert_allclose(asked.whole(scores), [[0.5, 0.25, 3.0]])


def test_nothing_to_ask_of_but_the_normal_text(kb: KnowledgeBase):
    asked = questions(kb, [], template="paper", normal="clear")
    assert asked.prompts == (("clear",),)
    assert asked.whole(np.ones((2, 1))).shape == (2, 1)


def test_halves_are_doubled():
    rows = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 0, 1], [2, 0, 0, 0]], dtype=np.uint8)
    left, right = mirrored(rows[None])
    # The patient's left is on the right of the film.
    assert left[0].tolist() == [[4, 3, 3, 4], [8, 7, 7, 8], [1, 0, 0, 1], [0, 0, 0, 0]]
    assert right[0].tolist() == [[1, 2, 2, 1], [5, 6, 6, 5], [0, 0, 0, 0], [2, 0, 0, 2]]


@settings(max_examples=40, deadline=None)
@given(FILMS)
def test_doubled_halves_are_symmetric_and_swap_when_the_film_is_turned(film: np.ndarray):
    before = film.copy()
    left, right = mirrored(film)
    for half in (left, right):
        np.testing.assert_array_equal(half, half[..., ::-1])
        for again in mirrored(half):
            np.testing.assert_array_equal(again, half)
    turned_left, turned_right = mirrored(film[..., ::-1])
    np.testing.assert_array_equal(turned_left, right)
    np.testing.assert_array_equal(turned_right, left)
    np.testing.assert_array_equal(film, before)


@pytest.mark.parametrize("width", [4, 5])
def test_each_half_keeps_its_own_side(width: int):
    film = np.arange(width * width, dtype=np.uint8).reshape(1, width, width)
    left, right = mirrored(film)
    keep = width - width // 2
    np.testing.assert_array_equal(left[..., -keep:], film[..., -keep:])
    np.testing.assert_array_equal(right[..., :keep], film[..., :keep])
