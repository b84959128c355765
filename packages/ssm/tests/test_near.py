import difflib
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm.near import near_texts

WORDS = ["red", "blue", "old", "small", "dog", "boat", "house", "runs", "stands", "beach", "snow"]


def many(count):
    chance = random.Random(0)
    return [f"{' '.join(chance.choices(WORDS, k=6))} {n}" for n in range(count)]


def test_nearest_first():
    texts = ["a boat", "a dog on the beach", "a dog on a beach", "nothing alike"]
    assert near_texts("a dog on a beach!", texts) == ["a dog on a beach", "a dog on the beach"]
    assert near_texts("a dog on a beach!", texts, 1) == ["a dog on a beach"]
    assert near_texts("zzzz", texts) == []


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "x" * 100_000])
def test_any_length(text):
    assert set(near_texts(text, ["a", "ab", "abd", "x" * 1000])) <= {"a", "ab", "abd", "x" * 1000}
    assert near_texts(text, []) == []


def test_long_texts_come_back_whole():
    assert near_texts("y" * 900, ["y" * 1000, "z"]) == ["y" * 1000]


FEW = many(200)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 199), st.integers(0, 25), st.sampled_from("aeqx7"))
def test_a_text_with_one_wrong_character_is_found_as_difflib_finds_it(which, where, wrong):
    text = FEW[which]
    misspelt = text[:where] + wrong + text[where + 1 :]
    assert near_texts(misspelt, FEW, 1) == difflib.get_close_matches(misspelt, FEW, n=1)


def test_quick_among_a_hundred_thousand():
    texts = many(100_000)
    start = time.process_time()
    assert near_texts(f"{texts[70_000]}x", texts)[0] == texts[70_000]
    assert time.process_time() - start < 2  # 0.2 alone; difflib takes far longer
