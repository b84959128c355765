import pytest
from gpt_ie.rules.lexicon import Lexicon
from gpt_ie.rules.reading import read_sentence


@pytest.mark.parametrize(
    ("text", "surface", "evidence"),
    [
        (
            "There is a small right pleural effusion at the base.",
            "pleural effusion",
            "small right pleural effusion at the base",
        ),
        ("The heart is mildly enlarged.", "heart is mildly enlarged", "heart is mildly enlarged"),
        ("Small XXXX right effusion", "effusion", "Small XXXX right effusion"),
        ("No pneumothorax.", "pneumothorax", "pneumothorax"),
        ("At the left base there is edema", "edema", "left base there is edema"),
        ("The effusion is unchanged.", "effusion", "effusion is unchanged"),
    ],
)  # fmt: skip
def test_surface_and_evidence(lexicon: Lexicon, text: str, surface: str, evidence: str):
    (reading,) = read_sentence(lexicon, text)
    assert text[slice(*reading.surface)] == surface
    assert text[slice(*reading.evidence)] == evidence


def test_offsets_are_of_the_whole_text(lexicon: Lexicon):
    text = "Ignored mass. A small nodule."
    (reading,) = read_sentence(lexicon, text, 14)
    assert text[slice(*reading.evidence)] == "small nodule"


def test_a_sentence_without_a_category_is_nothing(lexicon: Lexicon):
    assert read_sentence(lexicon, "No small left.") == []
    assert read_sentence(lexicon, "") == []
