"""The codes of the categories in public terminologies: form, sources, a pinned sample."""

import re
from collections import Counter, defaultdict

import pytest
from iki_knowledge import KnowledgeBase
from iki_knowledge.schema import Entry

# Verhoeff's dihedral group D5 and permutation, with which SNOMED CT forms its check digit.
_MULTIPLY = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_PERMUTE = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)

_FORMS = {"radlex": r"RID[1-9]\d*", "snomedct": r"[1-9]\d{5,17}", "umls": r"C\d{7}"}

# Read from the sources one by one, not from codes.yaml: code -> category, display.
# DICOM PS3.16 (edition 2024c, concept dictionary of pydicom 3.0.2).
_DICOM = {
    "36118008": ("pneumothorax", "Pneumothorax"),
    "60046008": ("pleural_effusion", "Pleural effusion"),
    "19242006": ("pulmonary_edema", "Pulmonary edema"),
    "59282003": ("pulmonary_embolism", "Pulmonary embolism"),
    "373945007": ("pericardial_effusion", "Pericardial effusion"),
    "26412008": ("endotracheal_tube", "Endotracheal tube"),
    "52124006": ("central_line", "Central venous catheter"),
    "27637000": ("dextrocardia", "Dextrocardia"),
    "94391008": ("metastasis", "Pulmonary metastasis"),
}
# Human Phenotype Ontology, hp.obo of 2025-01-16.
_HPO = {
    "233604007": ("pneumonia", "Pneumonia"),
    "46621007": ("atelectasis", "Atelectasis"),
    "12295008": ("bronchiectasis", "Bronchiectasis"),
    "31892009": ("hemothorax", "Hemothorax"),
    "C0032227": ("pleural_effusion", "Pleural effusion"),
    "C0034067": ("emphysema", "Emphysema"),
    "C0018800": ("cardiomegaly", "Cardiomegaly"),
    "C4025003": ("tortuous_aorta", "Aortic tortuosity"),
}
# PadChest's tree of terms, commit 71a3209.
_PADCHEST = {
    "C0742855": ("blunted_costophrenic_angle", "costophrenic angle blunting"),
    "C0265794": ("azygos_lobe", "azygos lobe"),
    "C2073707": ("elevated_diaphragm", "hemidiaphragm elevation"),
    "C0035522": ("rib_fracture", "rib fracture"),
}
# RadLex as published on BioPortal, copy of 2017-01-20.
_RADLEX = {
    "RID5352": ("pneumothorax", "pneumothorax"),
    "RID28493": ("atelectasis", "atelectasis"),
    "RID43255": ("consolidation", "consolidation"),
    "RID34539": ("pleural_effusion", "pleural effusion"),
    "RID28531": ("ground_glass_opacity", "ground-glass opacity"),
    "RID50149": ("nodule", "pulmonary nodule"),
    "RID4756": ("scoliosis", "scoliosis"),
}
_PINNED = [
    (source, code, category, display)
    for source, table in (
        ("dicom_sct", _DICOM),
        ("hpo2025", _HPO),
        ("padchest_tree", _PADCHEST),
        ("radlex", _RADLEX),
    )
    for code, (category, display) in table.items()
]


def _entries(kb: KnowledgeBase) -> list[Entry]:
    return [kb[category] for category in kb]


def _check_digit_holds(code: str) -> bool:
    """Verhoeff's check over all digits, from the right."""
    check = 0
    for place, character in enumerate(reversed(code)):
        digit = int(character)
        for _ in range(place % 8):
            digit = _PERMUTE[digit]
        check = _MULTIPLY[check][digit]
    return check == 0


def test_check_digit_finds_a_wrong_digit_and_a_swap() -> None:
    # 236 is Verhoeff's textbook number, 3 its check digit.
    assert _check_digit_holds("2363")
    assert not any(_check_digit_holds(f"236{digit}") for digit in "012456789")
    assert not _check_digit_holds("2633")


def test_codes_have_the_form_of_their_system(kb: KnowledgeBase) -> None:
    wrong = [
        (entry.id, code.system, code.code)
        for entry in _entries(kb)
        for code in entry.codes
        if not re.fullmatch(_FORMS[code.system], code.code)
        or (code.system == "snomedct" and not _check_digit_holds(code.code))
    ]
    assert wrong == []


def test_codes_are_named_and_have_a_source(kb: KnowledgeBase) -> None:
    wrong = [
        (entry.id, code.code)
        for entry in _entries(kb)
        for code in entry.codes
        if not code.display.strip() or code.source not in kb.references
    ]
    assert wrong == []


def test_a_category_has_a_code_once(kb: KnowledgeBase) -> None:
    for entry in _entries(kb):
        counts = Counter((code.system, code.code) for code in entry.codes)
        assert [code for code, count in counts.items() if count > 1] == [], entry.id


def test_a_code_means_one_category_exactly(kb: KnowledgeBase) -> None:
    exact: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in _entries(kb):
        for code in entry.codes:
            if code.match == "exact":
                exact[code.system, code.code].add(entry.id)
    assert {code: ids for code, ids in exact.items() if len(ids) > 1} == {}


def test_most_categories_have_a_code(kb: KnowledgeBase) -> None:
    coded = {entry.id for entry in _entries(kb) if entry.codes}
    assert len(coded) >= 110
    assert {code.system for entry in _entries(kb) for code in entry.codes} == set(_FORMS)


@pytest.mark.parametrize(("source", "code", "category", "display"), _PINNED)
def test_codes_as_read_from_the_sources(
    kb: KnowledgeBase, source: str, code: str, category: str, display: str
) -> None:
    found = [known for known in kb[category].codes if known.code == code]
    assert [(known.source, known.display, known.match) for known in found] == [
        (source, display, "exact")
    ]
