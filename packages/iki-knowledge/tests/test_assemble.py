import pytest
from iki_knowledge import KnowledgeFileError
from iki_knowledge.assemble import assemble
from iki_knowledge.spot import Source

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
        ({"by_severity": {"mild": ""}}, r"by_severity\.mild\.explanation is empty"),
        ({"by_place": {"base": " "}}, r"by_place\.base\.explanation is empty"),
        (
            {"by_place": {"base": {"explanation": "x", "shows": ["shape:rund"]}}},
            r"by_place\.base\.shows: unknown attribute 'shape:rund'; did you mean 'shape:round'",
        ),
        (
            {"by_severity": {"mild": {"explanation": "x", "lacks": ["shape:flat"]}}},
            r"by_severity\.mild\.lacks: unknown attribute 'shape:flat'; allowed are shape:round",
        ),
        ({"by_severity": {"mild": {"shows": []}}}, r"'by_severity\.mild\.explanation' is missing"),
        ({"look_alikes": {"spat": "x"}}, r"look_alikes: unknown category 'spat'"),
        ({"look_alikes": {"spot": "x"}}, r"look_alikes: unknown category 'spot'"),
        ({"references": ["who2020"]}, r"references: unknown reference 'who2020'"),
        (
            {"ambiguous": ["blot"]},
            r"ambiguous: 'blot' must be an alias of another category, .*none",
        ),
        (
            {"ambiguous": ["Dots"]},
            r"ambiguous: 'Dots' must be .* another category, not of this one",
        ),
        ({"vague": "perhaps"}, r"entries\.spot\.vague"),
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


PAPER = {"title": "T", "authors": "A", "published": "J 1", "year": 2000}
CODE = {"system": "umls", "code": "C0000001", "display": "Spot", "match": "exact", "source": "who"}


def test_codes_are_the_entry_s_and_have_a_source():
    kb = build({"spot": SPOT}, codes={"spot": [CODE]}, references={"who": PAPER})
    assert kb["spot"].codes[0].model_dump() == CODE
    assert kb.references["who"].title == "T"


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ({"spat": [CODE]}, r"e\.yaml: codes: unknown category 'spat'; did you mean 'spot'"),
        ({"spot": [{**CODE, "source": "whom"}]}, r"codes\.spot: unknown reference 'whom'; did you"),
        ({"spot": [{**CODE, "match": "same"}]}, r"codes\.spot\.match: .* not 'same'"),
        ({"spot": [{**CODE, "sytem": "x"}]}, r"codes\.spot: unknown key 'sytem'; .*'system'"),
        ({"spot": CODE}, r"codes\.spot must be a list"),
        ({"spot": ["C1"]}, r"codes\.spot must be a mapping, not str 'C1'"),
    ],
)
def test_a_code_that_does_not_fit_is_named(codes, message):
    with pytest.raises(KnowledgeFileError, match=message):
        build({"spot": SPOT}, codes=codes, references={"who": PAPER})


def test_a_form_may_be_declared_ambiguous():
    other = {**SPOT, "name": "other", "aliases": [], "ambiguous": ["Dot"]}
    kb = build({"spot": SPOT, "other_spot": other, "third": {**other, "name": "third"}})
    assert kb.ambiguous == {"dot": ("spot", "other_spot", "third")}
    assert kb.readings("dots") == ("spot", "other_spot", "third")
    assert kb.readings("lung spots") == ("spot",)
    assert kb.resolve("dots") == "spot"


def test_labels_without_a_category_have_a_reason():
    kb = build(
        {"spot": SPOT}, crosswalks={"mine": {"S": "spot"}}, unmapped={"mine": {"None": "normal"}}
    )
    assert kb.unmapped == {"mine": {"None": "normal"}}
    with pytest.raises(KnowledgeFileError, match="unmapped: unknown data set 'min'; did you mean"):
        build({"spot": SPOT}, crosswalks={"mine": {}}, unmapped={"min": {"x": "y"}})
    with pytest.raises(KnowledgeFileError, match=r"unmapped\.mine: 'S' has a category in e\.yaml"):
        build({"spot": SPOT}, crosswalks={"mine": {"S": "spot"}}, unmapped={"mine": {"S": "y"}})


def test_an_attribute_has_a_known_kind_and_a_text():
    with pytest.raises(KnowledgeFileError, match="unknown attribute kind 'shade'"):
        assemble([Source("w.yaml", {**WORDS, "attributes": {"shade": {"dark": "dark"}}})])
    wrong = Source("o.yaml", {"attributes": {"shape": {"flat": 3}}}, overlay=True)
    with pytest.raises(KnowledgeFileError, match=r"o\.yaml: attributes\.shape\.flat"):
        assemble([Source("w.yaml", WORDS), wrong])
