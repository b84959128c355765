import pytest
from gpt_ie.rules.lexicon import Lexicon
from gpt_ie.rules.tokens import tokenise


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("heart is mildly enlarged", [("cardiomegaly", "present", 0, 4)]),
        ("enlargement of the cardiac silhouette", [("cardiomegaly", "present", 0, 5)]),
        ("heart size and mediastinum are normal", [("cardiomegaly", "absent", 0, 6)]),
        # "Normal" is the heart's, "clear" the lungs'.
        ("heart size normal and lungs clear", [
            ("cardiomegaly", "absent", 0, 3), ("lung_opacity", "absent", 4, 6)]),
        ("heart is normal and aorta enlarged", [
            ("cardiomegaly", "absent", 0, 3), ("aortic_enlargement", "present", 4, 6)]),
        ("the lungs are otherwise clear", []),
        ("heart with enlarged aorta", [("aortic_enlargement", "present", 2, 4)]),
        ("lungs are normal", []),
        ("the patient is enlarged", []),
    ],
)  # fmt: skip
def test_subject_and_predicate(lexicon: Lexicon, text: str, found: list[tuple[str, str, int, int]]):
    mentions = lexicon.constructions.find(tokenise(text).words, frozenset())
    assert [(m.category, m.presence, m.first, m.last) for m in mentions] == found


def test_words_of_cues_are_no_predicates(lexicon: Lexicon):
    words = tokenise("lungs are clear of effusion").words
    assert not list(lexicon.constructions.find(words, frozenset({2, 3})))


def test_every_row_of_the_table_has_a_category(lexicon: Lexicon):
    assert len(lexicon.constructions.meanings) == 38
