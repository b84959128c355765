import pytest
from iki_knowledge import KnowledgeFileError
from iki_knowledge.merge import merge
from iki_knowledge.spot import Source

BASE = Source("base.yaml", {"version": "7", "group": "lungs", "entries": {"a": {"name": "A"}}})


def test_sections_are_merged_with_the_file_of_each_field():
    more = Source(
        "mine.yaml", {"entries": {"a": {"parent": "b"}, "b": {"name": "B"}}}, overlay=True
    )
    version, merged = merge([BASE, more])
    assert version == "7"
    a, b = merged["entries"]["a"], merged["entries"]["b"]
    assert a.values == {"group": "lungs", "name": "A", "parent": "b"}
    assert (str(a.origin("name")), str(a.origin("parent"))) == ("base.yaml", "mine.yaml")
    assert b.values == {"group": "other", "name": "B"}
    assert str(a.origin("explanation")) == "base.yaml"
    assert a.origin("name").path == ("entries", "a", "name")


def test_the_later_overlay_wins():
    overlays = [
        Source(f"{n}.yaml", {"entries": {"a": {"name": n}}}, overlay=True) for n in ("x", "y")
    ]
    _, merged = merge([BASE, *overlays])
    assert merged["entries"]["a"].values["name"] == "y"
    assert str(merged["entries"]["a"].origin("name")) == "y.yaml"


def test_add_aliases_keeps_what_is_there():
    base = Source("base.yaml", {"entries": {"a": {"aliases": ["one"]}}})
    more = Source("mine.yaml", {"entries": {"a": {"add_aliases": ["two"]}}}, overlay=True)
    _, merged = merge([base, more])
    assert merged["entries"]["a"].values["aliases"] == ["one", "two"]
    assert base.data == {"entries": {"a": {"aliases": ["one"]}}}, "the input is left as it was"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (["a"], r"m\.yaml: the file must be a mapping, not list"),
        ({"entrys": {}}, r"m\.yaml: unknown section 'entrys'; did you mean 'entries'\?"),
        ({"version": "9"}, r"m\.yaml: unknown section 'version'"),
        ({"entries": []}, r"m\.yaml: entries must be a mapping, not list \[\]"),
        ({"entries": {"a": "text"}}, r"m\.yaml: entries\.a must be a mapping, not str 'text'"),
        (
            {"entries": {"a": {"explanaton": "x"}}},
            r"m\.yaml: entries\.a: unknown key 'explanaton'; did you mean 'explanation'",
        ),
        ({"entries": {"a": {"id": "b"}}}, r"m\.yaml: entries\.a: unknown key 'id'"),
        ({"regions": {"base": {"nam": "x"}}}, r"unknown key 'nam'; did you mean 'name'"),
        ({"severities": {"mild": {"level": 1}}}, r"unknown key 'level'"),
        ({"entries": {False: {}}}, r"m\.yaml: entries: key False must be text; put it in quotes"),
        ({"entries": {"a": {"add_aliases": "x"}}}, r"m\.yaml: a: aliases must be lists, not 'x'"),
    ],
)
def test_wrong_shapes_name_file_and_value(data, message):
    with pytest.raises(KnowledgeFileError, match=message):
        merge([BASE, Source("m.yaml", data, overlay=True)])


def test_two_packaged_files_may_not_define_the_same_name():
    again = Source("again.yaml", {"entries": {"a": {"name": "A2"}}})
    with pytest.raises(KnowledgeFileError, match=r"again\.yaml: 'a' is already .* base\.yaml"):
        merge([BASE, again])


def test_sections_of_lists_keep_them_as_words():
    _, merged = merge([Source("m.yaml", {"codes": {"a": [1]}, "hedges": {"possible": ["maybe"]}})])
    assert merged["codes"]["a"].values == {"words": [1]}
    assert merged["hedges"]["possible"].values == {"words": ["maybe"]}


def test_an_empty_section_is_no_error():
    _, merged = merge([BASE, Source("m.yaml", {"entries": None}, overlay=True)])
    assert list(merged["entries"]) == ["a"]
