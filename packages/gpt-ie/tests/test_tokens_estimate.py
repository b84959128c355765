import pytest
from gpt_ie.tokens_estimate import estimate_tokens


@pytest.mark.parametrize(("length", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (400, 100)])
def test_four_characters_a_token_rounded_up(length: int, tokens: int):
    assert estimate_tokens("x" * length) == tokens
