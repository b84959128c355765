import pytest
from gpt_ie.rules.clauses import parted
from gpt_ie.rules.lexicon import Lexicon
from gpt_ie.rules.reading import parse
from gpt_ie.rules.tokens import tokenise


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("no effusion or pneumothorax is seen", []),
        ("effusion and pneumothorax are not seen", []),
        ("no pneumothorax and the heart is enlarged", ["and"]),
        ("no pneumothorax , the heart is enlarged", [","]),
        ("heart , mediastinum and lungs are normal without effusion", []),
        ("no pneumothorax but small effusion", ["but"]),
        ("no effusion ; edema", [";"]),
        ("no edema there is effusion", ["there"]),
        ("there is no effusion", []),
        ("effusion ( no edema ) nodule", ["(", ")"]),
        ("effusion , which is small", []),
        ("stable cardiomegaly , effusion has resolved", [","]),
    ],
)
def test_where_clauses_start(lexicon: Lexicon, text: str, starts: list[str]):
    sentence = parse(lexicon, tokenise(text))
    words, clauses = sentence.tokens.words, sentence.clauses
    assert len(clauses) == len(words)
    assert [
        words[place] for place in range(1, len(words)) if clauses[place] != clauses[place - 1]
    ] == starts


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (["with"], True),
        (["consistent", "with"], False),
        (["associated", "with"], False),
        (["seen", ","], True),
        ([","], False),
        ([], False),
    ],
)
def test_where_another_statement_begins(between: list[str], expected: bool):
    assert parted(between) == expected
