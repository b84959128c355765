import pytest
from gpt_ie.rules.sentences import sentences
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("No effusion. Mild edema.", ["No effusion.", "Mild edema."]),
        ("A 1.5 cm nodule. Done", ["A 1.5 cm nodule.", "Done"]),
        ("Small effusion.No mass.", ["Small effusion.", "No mass."]),
        ("Atelectasis vs. pneumonia.", ["Atelectasis vs. pneumonia."]),
        ("1. Edema. 2. Mass", ["1. Edema.", "2. Mass"]),
        ("Small\neffusion", ["Small\neffusion"]),
        ("Edema\n\nMass", ["Edema", "Mass"]),
        ("Edema\n- Mass\n2) Hernia", ["Edema", "- Mass", "2) Hernia"]),
        ("Mass? Yes! ? pneumonia", ["Mass?", "Yes!", "? pneumonia"]),
        ("XXXX. Mass.", ["XXXX.", "Mass."]),
        (" .. \n\n ", []),
    ],
)
def test_sentences(text: str, parts: list[str]):
    assert [text[start:end].strip() for start, end in sentences(text)] == parts


@given(st.text(alphabet="ab.?! \n\r1-XV", max_size=80))
def test_no_word_is_lost_and_none_read_twice(text: str):
    spans = list(sentences(text))
    last = 0
    for start, end in spans:
        assert last <= start < end <= len(text)
        assert not any(character.isalnum() for character in text[last:start])
        last = end
    assert not any(character.isalnum() for character in text[last:])


def test_a_part_of_a_text():
    text = "Mass. Edema. Hernia."
    assert [text[start:end] for start, end in sentences(text, 6, 12)] == ["Edema."]
