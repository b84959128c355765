import pytest
from gpt_ie.sections import read_spans
from hypothesis import given
from hypothesis import strategies as st


def read(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in read_spans(text) if text[start:end].strip()]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("The lungs are clear.", ["The lungs are clear."]),
        (
            "INDICATION: Cough, pneumonia?\nFINDINGS: No effusion.\nIMPRESSION: Normal.",
            ["No effusion.", "Normal."],
        ),
        (
            "Exam: chest. Indication: fever. Findings: Clear lungs. Impression: Normal.",
            ["Clear lungs.", "Normal."],
        ),
        # A paragraph without a heading, after one that is not read.
        (
            "FINAL REPORT\nCOMPARISON: none.\n\nThere is an effusion.\n\nIMPRESSION:\nEffusion.",
            ["FINAL REPORT", "There is an effusion.", "Effusion."],
        ),
        ("IMPRESSION: 1. Edema.\n\nRECOMMENDATION: CT for nodule.", ["1. Edema."]),
        ("HISTORY: mass", []),
        # The word inside a sentence is no heading.
        ("These findings: an effusion.", ["These findings: an effusion."]),
    ],
)
def test_what_states_findings_is_read(text: str, parts: list[str]):
    assert read(text) == parts


@given(st.text(alphabet=st.sampled_from("FINDGSfindgs IMPRESOimpreso:.\n\tHISTORY"), max_size=200))
def test_spans_are_ordered_and_inside(text: str):
    last = 0
    for start, end in read_spans(text):
        assert last <= start < end <= len(text)
        last = end
