import pytest
from iki_knowledge import KnowledgeFileError
from iki_knowledge.assemble import assemble
from iki_knowledge.merge import Source

WORDS = {
    "version": "7",
    "attributes": {"shape": {"round": "round"}},
    "severities": {"mild": {"rank": 2}, "severe": {"rank": 4}},
    "regions": {"base": {"name": "base", "adjective": "basilar"}},
}
SPOT = {
    "name": "lung spot",
    "aliases": ["dots"],
    "explanation": "A spot.",
    "attributes": ["shape:round"],
    "severities": ["mild"],
}


def build(entries: object, **sections: object):
    source = Source("e.yaml", {"group": "lungs", "entries": entries, **sections})
    return assemble([Source("w.yaml", WORDS), source], version_suffix="+x")


def test_a_small_dictionary():
    kb = build({"spot": SPOT}, crosswalks={"mine": {"Spot": "spot"}})
    assert kb.version == "7+x"
    assert kb["spot"].group == "lungs"
    assert kb.surfaces == {"spot": "spot", "lung spot": "spot", "dot": "spot"}
    assert kb.classes("mine") == {"Spot": "spot"}
    assert kb.attribute_matrix() == (("spot",), ("shape:round",), [[1]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"explanation": " "}, r"e\.yaml: entries\.spot\.explanation is empty"),
        ({"explanation": None}, r"e\.yaml: entries\.spot\.explanation: .*not None"),
        ({"attributes": []}, r"e\.yaml: entries\.spot\.attributes is empty"),
        ({"attributes": ["shape:rond"]}, r"unknown attribute 'shape:rond'.*'shape:round'"),
        ({"severities": ["sever"]}, r"unknown severity 'sever'; did you mean 'severe'"),
        ({"regions": ["bass"]}, r"unknown region 'bass'; did you mean 'base'"),
        ({"by_severity": {"severe": "x"}}, r"by_severity: unknown severity 'severe'.*are mild"),
        ({"by_severity": {"mild": ""}}, r"by_severity is empty"),
        ({"by_place": {"base": " "}}, r"by_place is empty"),
        ({"by_place": {"top": "x"}}, r"unknown place 'top'"),
        ({"parent": "spt"}, r"unknown category 'spt'; did you mean 'spot'"),
        ({"parent": "spot"}, r"cycle of parents: spot -> spot"),
        ({"aliases": "dots"}, r"entries\.spot\.aliases: .*not 'dots'"),
        ({"aliases": [False]}, r"entries\.spot\.aliases\.0: .*not False"),
        ({"aliases": ["!"]}, r"alias '!' has no letter or digit"),
        ({"excludes": ["Dots"]}, r"excludes: 'Dots' is an alias of 'spot'"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    with pytest.raises(KnowledgeFileError, match=message):
        build({"spot": {**SPOT, **change}})


def test_a_missing_explanation_is_named():
    spot = {key: value for key, value in SPOT.items() if key != "explanation"}
    with pytest.raises(KnowledgeFileError, match=r"e\.yaml: .*'explanation' is missing"):
        build({"spot": spot})


def test_an_id_must_be_snake_case():
    with pytest.raises(KnowledgeFileError, match="'Big Spot' must be snake_case"):
        build({"Big Spot": SPOT})


def test_two_categories_may_not_share_an_alias():
    other = {**SPOT, "name": "other", "aliases": ["Dot"]}
    with pytest.raises(KnowledgeFileError, match=r"'other_spot': alias 'Dot' already means 'spot'"):
        build({"spot": SPOT, "other_spot": other})


def test_a_crosswalk_names_categories_that_exist():
    with pytest.raises(
        KnowledgeFileError,
        match=r"crosswalks\.mine\.S: unknown category 'sput'; did you mean 'spot'",
    ):
        build({"spot": SPOT}, crosswalks={"mine": {"S": "sput"}})


def test_an_attribute_has_a_known_kind_and_a_text():
    with pytest.raises(KnowledgeFileError, match="unknown attribute kind 'shade'"):
        assemble([Source("w.yaml", {**WORDS, "attributes": {"shade": {"dark": "dark"}}})])
    wrong = Source("o.yaml", {"attributes": {"shape": {"flat": 3}}}, overlay=True)
    with pytest.raises(KnowledgeFileError, match=r"o\.yaml: attributes\.shape\.flat"):
        assemble([Source("w.yaml", WORDS), wrong])
