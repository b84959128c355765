import pytest
from gpt_ie.rules.lexicon import Lexicon
from gpt_ie.rules.mention import Sentence
from gpt_ie.rules.places import locations
from gpt_ie.rules.tokens import tokenise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(None, None)]),
        ("right", [("right", None)]),
        ("left at the base", [("left", "base")]),
        ("right and left", [("bilateral", None)]),
        ("right and left bases", [("bilateral", "base")]),
        ("right lung and left base", [("right", None), ("left", "base")]),
        ("right greater than left", [("bilateral", None)]),
        ("left base , right apex", [("left", "base"), ("right", "apex")]),
        ("right upper and lower lobe", [("right", "upper"), ("right", "lower_lobe")]),
        # Without a word that joins them, the second is passed over.
        ("left lower lobe retrocardiac", [("left", "lower_lobe")]),
        ("bibasilar", [("bilateral", "base")]),
        # There is a base on each side, but more than one upper rib.
        ("lung bases", [("bilateral", "base")]),
        ("lung base", [(None, "base")]),
        ("right lower lobes", [("right", "lower_lobe")]),
        ("ribs", [(None, "rib")]),
    ],
)
def test_locations(lexicon: Lexicon, text: str, expected: list[tuple[str | None, str | None]]):
    tokens = tokenise(text)
    sentence = Sentence(tokens, (), ())
    found = locations(sentence, lexicon.places.find(tokens.words))
    assert [(one.side, one.region) for one in found] == expected
