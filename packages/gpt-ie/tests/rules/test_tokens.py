import pytest
from gpt_ie.rules.tokens import Hit, PhraseTree, keys, tokenise, word_key
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Left-sided Effusions.", ["left", "sided", "effusion"]),
        ("pneumothoraces, opacities", ["pneumothorax", ",", "opacity"]),
        ("Small XXXX effusion ___ x-XXXX", ["small", "effusion", "x"]),
        ("isn't and/or (1.5 cm)?", ["isn", "t", "and", "/", "or", "(", "1", "5", "cm", ")", "?"]),
        ("effusion - small \u2014 left", ["effusion", ",", "small", ",", "left"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]):
    assert list(tokenise(text).words) == words


@given(st.text(max_size=60))
def test_places_are_of_the_text_and_ordered(text: str):
    tokens = tokenise(text)
    last = 0
    for word, start, end in zip(tokens.words, tokens.starts, tokens.ends, strict=True):
        assert last <= start < end <= len(text)
        assert word == word_key(text[start:end])
        last = end


def test_part_of_a_text_keeps_the_places_of_the_whole():
    tokens = tokenise("one two three", 4, 8)
    assert (tokens.words, tokens.starts, tokens.ends) == (("two",), (4,), (7,))


def test_the_longest_phrase_wins_and_hits_do_not_overlap():
    tree: PhraseTree[str] = PhraseTree()
    for phrase in ("effusion", "pleural effusion", "pleural", "effusion left base x"):
        tree.add(phrase, phrase)
    words = tokenise("Pleural effusions left base, effusion").words
    assert tree.find(words) == [Hit(0, 2, "pleural effusion"), Hit(5, 6, "effusion")]


def test_the_first_meaning_stays_and_nothing_is_no_phrase():
    tree: PhraseTree[int] = PhraseTree()
    tree.add("a b", 1)
    tree.add("A-B", 2)
    tree.add("...", 3)
    assert tree.find(["a", "b"]) == [Hit(0, 2, 1)]
    assert tree.find([]) == []
    assert tree.find(["a"]) == []


def test_keys_are_those_of_words_in_text():
    assert keys("does remains Bases") == {"doe", "remain", "base"}


def test_a_plural_is_longer_than_its_key():
    tokens = tokenise("Both lung bases: no nodules.")
    plural = [word for place, word in enumerate(tokens.words) if tokens.plural(place)]
    assert plural == ["base", "nodule"]
