import time

import pytest
from gpt_ie.sections import SECTIONS, keep_sections, read_spans, section_of, split_parts
from hypothesis import example, given
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


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        # A heading alone in its line, in any case, without a colon.
        ("FINDINGS\nClear lungs.\nIMPRESSION\nNormal.", ["Clear lungs.", "Normal."]),
        ("Indication\nCough, edema?\n\nfindings\nClear.", ["Clear."]),
        ("HISTORY\r\nMass.\r\nFINDINGS\r\nClear.\r\n", ["Clear."]),
        ("Indication: cough\nFindings\nClear.", ["Clear."]),
        # Lower case in the middle of a wrapped sentence is none.
        ("Larger than on the prior\nstudy\nby a little.", None),
        # In capitals before a sentence.
        ("HISTORY Known mass.\nIMPRESSION No effusion.", ["No effusion."]),
        ("COMPARISON 12/3/2011\nIMPRESSION 1. Edema.", ["1. Edema."]),
        # In capitals throughout, a first word is no heading.
        ("HISTORY OF MASS WITH EFFUSION.", None),
        ("History of mass with effusion.", None),
        ("FINDINGS ARE UNCHANGED.", None),
        ("Technique - portable\nFindings - Clear.", ["Clear."]),
        ("**Indication:** mass\n\n## Findings:\nClear.", ["Clear."]),
        # Exports on one line.
        ("INDICATION: cough COMPARISON: none FINDINGS: Clear. IMPRESSION: Normal.",
         ["Clear.", "Normal."]),
        ("Indication: mass? Findings: Clear! Impression: Normal.", ["Clear!", "Normal."]),
        ("COMPARISON: prior; PRIOR IMPRESSION: mass\n\nClear.", ["Clear."]),
        ("EDEMA IN COMPARISON: WORSE", None),
        ("HISTORY / INDICATION: mass\nFINDINGS & IMPRESSION: Clear.", ["Clear."]),
        ("History and exam: mass\nReason  for\texam: nodule", []),
        # A heading of what is not read, with its text after a blank line.
        ("INDICATION:\n\nMass?\n\nFINDINGS:\n\nClear.", ["Clear."]),
        ("HISTORY:\n\nMass", []),
        ("CONCLUSION: Edema.\nADDENDUM: No edema.", ["Edema.", "No edema."]),
        # As MIMIC-CXR writes them.
        ("WET READ: ___ 8:12 PM\n Mass. \n______________________\n"
         "          FINAL REPORT\n HISTORY:  Mass\n \n PORTABLE CHEST:  Clear.",
         ["FINAL REPORT", "PORTABLE CHEST:  Clear."]),
        ("COMPARISON:  ___.\nFRONTAL CHEST RADIOGRAPH:  Clear.",
         ["FRONTAL CHEST RADIOGRAPH:  Clear."]),
        ("FINDINGS:\nLUNGS: Clear.\nHEART: Normal.", ["LUNGS: Clear.\nHEART: Normal."]),
    ],
)  # fmt: skip
def test_headings_in_any_form(text: str, parts: list[str] | None):
    assert read(text) == ([text] if parts is None else parts)


BOTH = "EXAM: chest\nFINDINGS: No\neffusion.\nIMPRESSION: Normal.\nADDENDUM: Nodule."


@pytest.mark.parametrize(
    ("text", "wanted", "kept"),
    [
        (BOTH, {"findings"}, ["FINDINGS: No\neffusion.", "ADDENDUM: Nodule."]),
        (BOTH, {"impression"}, ["IMPRESSION: Normal.\nADDENDUM: Nodule."]),
        (BOTH, {"findings", "impression"}, [BOTH[12:]]),
        ("FINDINGS AND IMPRESSION: Mass.", {"impression"}, ["FINDINGS AND IMPRESSION: Mass."]),
        ("Conclusion: Mass.", {"impression"}, ["Conclusion: Mass."]),
        ("FINDINGS: Mass.", {"impression"}, None),
        ("FINDINGS:\nIMPRESSION: Mass.", {"findings"}, None),
        # Text under no heading: findings, unless there are some; all where nothing is headed.
        ("HISTORY: x\n\nMass.\n\nIMPRESSION: Edema.", {"findings"}, ["Mass."]),
        ("HISTORY: x\n\nMass.\n\nFINDINGS: Edema.", {"findings"}, ["FINDINGS: Edema."]),
        ("HISTORY: x\n\nMass.", {"impression"}, ["Mass."]),
        ("Mass.", {"impression"}, ["Mass."]),
        ("Mass.\n\nADDENDUM: Edema.", {"impression"}, ["Mass.\n\nADDENDUM: Edema."]),
        ("HISTORY: mass", {"findings", "impression"}, None),
        (" \n", {"findings"}, None),
    ],
)
def test_sections_are_kept_in_place(text: str, wanted: set[str], kept: list[str] | None):
    blanked = keep_sections(text, wanted)
    if kept is None:
        assert blanked is None
        return
    assert blanked is not None
    assert len(blanked) == len(text)
    for part in kept:
        assert blanked.index(part) == text.index(part)
    # Nothing else is left, and a blank line stands for what was taken out.
    assert " ".join(blanked.split()) == " ".join(" ".join(kept).split())
    assert "\n\n" in blanked or blanked == text


def test_names_of_sections():
    assert [section_of(name) for name in SECTIONS] == list(SECTIONS)
    assert section_of(" Conclusion ") == "impression"
    assert section_of("FINDINGS") == "findings"
    for name in ("history", "text", "", "final report", "findings and impression"):
        assert section_of(name) is None


pieces = st.lists(
    st.sampled_from(
        ["FINDINGS", "Findings:", "IMPRESSION:", "History:", "HISTORY", "comparison", "WET READ:",
         "ADDENDUM:", "FINAL REPORT", "LUNGS:", "Exam - ", "\n", "\n\n", "\r\n", " ", "Mass.", "x",
         "______________", "\u2028", ". ", "?", "*"]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@given(text=pieces | st.text(max_size=80), wanted=st.sets(st.sampled_from(SECTIONS), min_size=1))
@example(text="FINDINGS:", wanted={"findings"})
def test_parts_cover_a_text_and_blanking_moves_nothing(text: str, wanted: set[str]):
    parts = list(split_parts(text))
    assert "".join(text[part.start : part.end] for part in parts) == text
    assert all(part.start <= part.body <= part.end for part in parts)
    blanked = keep_sections(text, wanted)
    if blanked is not None:
        assert len(blanked) == len(text)
        assert all(new in (old, " ", "\n") for new, old in zip(blanked, text, strict=True))
        read_here = {at for start, end in read_spans(text) for at in range(start, end)}
        headings = {at for part in parts for at in range(part.start, part.body)}
        left = {at for at, sign in enumerate(blanked) if not sign.isspace()}
        assert left <= read_here | headings


@pytest.mark.parametrize("piece", ["FINDINGS ", "HISTORY:\n\n", "A ", "LUNG ", ". \t", "\n", "* "])
def test_time_grows_with_the_length_alone(piece: str):
    text = piece * (200_000 // len(piece))
    begin = time.process_time()
    list(read_spans(text))
    assert time.process_time() - begin < 5


@given(st.text(alphabet=st.sampled_from("FINDGSfindgs IMPRESOimpreso:.\n\tHISTORY"), max_size=200))
def test_spans_are_ordered_and_inside(text: str):
    last = 0
    for start, end in read_spans(text):
        assert last <= start < end <= len(text)
        last = end
