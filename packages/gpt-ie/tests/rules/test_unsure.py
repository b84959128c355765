"""Which sentences the rules mark unsure, and which they do not."""

import pytest
from gpt_ie.rules.lexicon import Lexicon
from gpt_ie.rules.unsure import doubts


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        ("Mild bronchovascular beading.", "unknown_term", "Mild bronchovascular"),
        ("There is a large zorblax at the left base.", "unknown_term", "large zorblax"),
        ("The questionable nodule was not seen.", "conflicting_scope", "nodule"),
        (
            "Patchy opacity, which may be a nodular opacity or no opacity.",
            "conflicting_scope",
            "opacity",
        ),
    ],
)
def test_unsure(lexicon: Lexicon, text: str, reason: str, words: str):
    found = doubts(lexicon, text)
    assert reason in {doubt.reason for doubt in found}
    assert words in {text[doubt.start : doubt.end] for doubt in found}


@pytest.mark.parametrize(
    "text",
    [
        "Small left pleural effusion.",
        "Mild patchy left basilar opacity.",
        "Mild cardiomegaly, not changed.",
        "There is no focal opacity to suggest pneumonia.",
        "No pneumothorax or large pleural effusion.",
        "The lungs are clear.",
        "Moderate inspiration.",
        "Normal.",
        "",
    ],
)
def test_sure(lexicon: Lexicon, text: str):
    assert doubts(lexicon, text) == []


def test_places_are_counted_in_the_text(lexicon: Lexicon):
    text = "No edema. Mild bronchovascular beading. No effusion."
    (doubt,) = doubts(lexicon, text, 10, 39)
    assert text[doubt.start : doubt.end] == "Mild bronchovascular"
