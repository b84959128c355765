import pytest
from hypothesis import given
from hypothesis import strategies as st
from iki_knowledge import Finding
from iki_knowledge.labels import best_keys, parts, read_label

CLASSES = {
    "Lung/hypoinflation": "low_lung_volumes",
    "Lung/hyperdistention": "hyperinflation",
    "Calcinosis": "calcification",
    "Calcinosis/aorta": "aortic_calcification",
    "Calcinosis/stomach": None,
    "Pleural_Thickening": "pleural_thickening",
}


@pytest.mark.parametrize(
    ("label", "keys"),
    [
        ("Lung/hypoinflation/mild", ["Lung/hypoinflation"]),
        ("lung/mild/hypoinflation", ["Lung/hypoinflation"]),
        ("Calcinosis", ["Calcinosis"]),
        ("Calcinosis/lung/hilum", ["Calcinosis"]),
        ("Calcinosis/aorta", ["Calcinosis/aorta"]),
        ("Lung/hypoinflation/hyperdistention", ["Lung/hypoinflation", "Lung/hyperdistention"]),
        ("Lung", []),
        ("Pleural Thickening", ["Pleural_Thickening"]),
        ("", []),
    ],
)
def test_the_key_with_the_most_qualifiers_wins(label, keys):
    assert best_keys(label, CLASSES) == keys


def test_qualifiers_give_severity_and_place(kb):
    assert read_label("Calcinosis/lung/base/left/severe", CLASSES, kb.vocabulary) == Finding(
        category="calcification", severity="severe", side="left", region="base"
    )
    assert read_label("Calcinosis/aorta", CLASSES, kb.vocabulary) == Finding(
        category="aortic_calcification"
    )
    assert read_label("Spleen", CLASSES, kb.vocabulary) is None
    assert read_label("Calcinosis/lung/stomach", CLASSES, kb.vocabulary) is None


@given(st.lists(st.sampled_from(["lung", "left", "base", "mild"]), unique=True))
def test_the_order_of_qualifiers_does_not_matter(qualifiers):
    label = "/".join(["Calcinosis", *qualifiers])
    turned = "/".join(["Calcinosis", *reversed(qualifiers)])
    assert best_keys(label, CLASSES) == best_keys(turned, CLASSES)
    assert set(parts(label)[1]) == set(qualifiers)
