import dataclasses
import pickle

import pytest
from iki_knowledge import Finding, IkiError, Place, UnknownCategoryError, UnknownNameError


def test_it_is_read_like_a_mapping(kb):
    assert "pneumonia" in kb
    assert "no_such" not in kb
    assert len(kb) == len(list(kb)) == len(kb.entries)
    assert kb["pneumonia"].name == "pneumonia"
    assert repr(kb) == f"KnowledgeBase(version='{kb.version}', {len(kb)} categories)"


def test_frozen(kb):
    with pytest.raises(dataclasses.FrozenInstanceError):
        kb.version = "2"


def test_it_travels_to_another_process(kb):
    copy = pickle.loads(pickle.dumps(kb))
    assert copy.entries == kb.entries
    assert copy.resolve("pleural fluid") == "pleural_effusion"


def test_an_unknown_category_gets_near_names(kb):
    with pytest.raises(UnknownCategoryError, match=r"'penumonia'; did you mean 'pneumonia'"):
        kb["penumonia"]
    with pytest.raises(KeyError):
        kb["penumonia"]


def test_resolve(kb):
    assert kb.resolve("pleural fluid") == "pleural_effusion"
    assert kb.resolve("Hazy opacity at the left base") == "lung_opacity"
    assert kb.resolve("mass effect on the trachea") is None
    assert kb.resolve("pericardial effusion") == "pericardial_effusion"
    assert kb.resolve("subcutaneous emphysema") == "subcutaneous_emphysema"
    assert kb.resolve("the afternoon") is None
    assert kb.resolve("") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "small right-sided pleural effusion",
            Finding(category="pleural_effusion", severity="small", side="right"),
        ),
        (
            "increasing bibasilar opacities",
            Finding(category="lung_opacity", side="bilateral", region="base", trend="worsened"),
        ),
        (
            "mildly increased interstitial markings",
            Finding(category="interstitial_markings", severity="mild"),
        ),
        (
            "elevated left hemidiaphragm",
            Finding(category="elevated_diaphragm", side="left"),
        ),
        ("left rib fractures", Finding(category="rib_fracture", side="left", region="rib")),
        (
            "new RML pneumonia",
            Finding(category="pneumonia", side="right", region="middle_lobe", trend="new"),
        ),
        ("the afternoon", None),
    ],
)
def test_finding(kb, text, expected):
    assert kb.finding(text) == expected


def test_vocabulary_look_ups(kb):
    assert kb.severity("minimal") == "trace"
    assert kb.trend("unchanged") == "stable"
    assert kb.place("bibasilar").model_dump() == {"side": "bilateral", "region": "base"}
    assert (kb.severity("x"), kb.trend("x"), kb.place("x")) == (None, None, None)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"severity": "sever"}, "unknown severity 'sever'; did you mean 'severe'"),
        ({"side": "both"}, "unknown side 'both'; allowed are bilateral, left, right"),
        ({"region": "bases"}, "unknown region 'bases'; did you mean 'base'"),
    ],
)
def test_explain_names_a_term_outside_the_vocabulary(kb, asked, message):
    with pytest.raises(UnknownNameError, match=message):
        kb.explain("pneumonia", **asked)


def test_text_names_what_is_unknown(kb):
    with pytest.raises(UnknownCategoryError, match="no_such"):
        kb.text(Finding(category="no_such"))
    with pytest.raises(UnknownNameError, match="unknown template 'papers'; did you mean 'paper'"):
        kb.text(Finding(category="mass"), "papers")
    with pytest.raises(UnknownNameError, match="unknown severity 'tiny'"):
        kb.text(Finding(category="mass", severity="tiny"))
    with pytest.raises(UnknownNameError, match="unknown region 'elbow'"):
        kb.text(Finding(category="mass", region="elbow"))


def test_classes_are_a_copy_in_order(kb):
    classes = kb.classes("siim")
    assert classes == {"Pneumothorax": "pneumothorax"}
    classes.clear()
    assert kb.classes("siim")
    with pytest.raises(IkiError, match="unknown data set 'chestxray'; did you mean 'chestxray14'"):
        kb.classes("chestxray")


def test_broader_categories_from_the_nearest(kb):
    assert kb.ancestors("covid19") == ("viral_pneumonia", "pneumonia", "infection", "lung_opacity")
    assert kb.ancestors("lung_opacity") == ()
    with pytest.raises(UnknownCategoryError):
        kb.ancestors("covid")


def test_readings(kb):
    assert kb.readings("pleural fluid") == ("pleural_effusion",)
    assert kb.readings("the afternoon") == ()
    for form, meanings in kb.ambiguous.items():
        assert kb.readings(form) == meanings
        assert kb.resolve(form) == meanings[0]


def test_hedges_and_chronicities(kb):
    assert kb.hedge("Suspicious for") == "probable"
    assert kb.hedge("may represent") == "possible"
    assert kb.hedge("there is") is None
    assert kb.chronicity("long-standing") == "chronic"
    assert kb.chronicity("acute on chronic") == "acute"
    assert kb.chronicity("small") is None


def test_within(kb):
    assert kb.within(kb.place("right base"), Place(side="right", region="lung"))
    assert not kb.within(Place(region="lung"), kb.place("right base"))


def test_read_label(kb):
    assert kb.read_label("chestxray14", "Effusion") == Finding(category="pleural_effusion")
    assert kb.read_label("chestxray14", "No Finding") is None
    with pytest.raises(UnknownNameError, match="unknown data set"):
        kb.read_label("chestxray", "Effusion")


def test_attribute_matrix(kb):
    ids, names, matrix = kb.attribute_matrix()
    assert ids == tuple(kb)
    assert names == tuple(attribute.id for attribute in kb.attributes)
    assert len(matrix) == len(ids)
    assert {len(row) for row in matrix} == {len(names)}
    for category, row in zip(ids, matrix, strict=True):
        shown = [name for name, bit in zip(names, row, strict=True) if bit]
        assert sorted(shown) == sorted(kb[category].attributes)
        assert set(row) == {0, 1}
