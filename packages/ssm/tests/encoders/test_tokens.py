import logging

import pytest
from ssm import EncoderError
from ssm.encoders.tokens import Tokens


class Letters:
    """A tokenizer of letters: a is 1, b is 2 …; other signs are nothing."""

    def __call__(self, texts, *, truncation, max_length, padding):
        assert truncation
        assert not padding
        rows = [[ord(sign) - 96 for sign in text if "a" <= sign <= "z"] for text in texts]
        return {"input_ids": [row[:max_length] for row in rows]}


@pytest.fixture
def tokens():
    return Tokens("x", Letters(), max_length=4, vocabulary=4)


def test_ids(tokens):
    assert tokens.ids(["ab", "c c"]) == [[1, 2], [3, 3]]


def test_what_is_cut_is_said_once(tokens, caplog):
    with caplog.at_level(logging.WARNING, logger="ssm"):
        tokens.ids(["abc", "aaa"])
        assert not caplog.records
        assert tokens.ids(["abcab", "a", "aaaaa"])[0] == [1, 2, 3, 1]
        tokens.ids(["abcabc"])
    assert len(caplog.records) == 1
    assert "2 of 3 texts fill all 4 tokens that x sees: what lies beyond is cut" in caplog.text


def test_a_token_that_the_model_does_not_have(tokens):
    message = r"gives token 4 for the text 'abd', but its model has 4 tokens: .* do not belong"
    with pytest.raises(EncoderError, match=message):
        tokens.ids(["a", "abd"])
    assert Tokens("x", Letters(), 4, vocabulary=5).ids(["abd"]) == [[1, 2, 4]]
    assert Tokens("x", Letters(), 4, vocabulary=None).ids(["z"]) == [[26]]


def test_a_text_without_a_token(tokens):
    with pytest.raises(EncoderError, match="knows nothing in the text '!'"):
        tokens.ids(["a", "!"])
