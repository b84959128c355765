import pytest
from iki_knowledge import Entry, KnowledgeFileError, Severity
from iki_knowledge.check import SurfaceTable, acyclic, build, known, texts
from iki_knowledge.merge import Item
from iki_knowledge.spot import Source, Spot

HERE = Spot(Source("f.yaml", None))


def item(file: str = "f.yaml", **values: object) -> Item:
    return Item("entries", "x", dict(values), dict.fromkeys(values, Source(file, None)))


def test_a_table_keeps_the_first_and_takes_the_same_again():
    table = SurfaceTable[str]("category")
    table.add(
        "Effusions", "pleural_effusion", owner="pleural_effusion", spot=Spot(Source("a.yaml", None))
    )
    table.add(
        "effusion", "pleural_effusion", owner="pleural_effusion", spot=Spot(Source("b.yaml", None))
    )
    assert table.values == {"effusion": "pleural_effusion"}


def test_a_form_with_two_meanings_names_both_files():
    table = SurfaceTable[str]("category")
    table.add("shadow", "mass", owner="mass", spot=Spot(Source("a.yaml", None)))
    with pytest.raises(
        KnowledgeFileError,
        match=r"b\.yaml: category 'nodule': alias 'Shadows' already means 'mass' in a\.yaml",
    ):
        table.add("Shadows", "nodule", owner="nodule", spot=Spot(Source("b.yaml", None)))


@pytest.mark.parametrize(
    ("surface", "message"), [("--", "no letter or digit"), ("a b c d e f g h i", "more than 8")]
)
def test_forms_that_could_never_match_are_refused(surface, message):
    with pytest.raises(KnowledgeFileError, match=rf"f\.yaml: .*{message}"):
        SurfaceTable[str]("category").add(surface, "x", owner="x", spot=HERE)


def test_build_names_the_file_of_the_field():
    raw = item("over.yaml", rank="high")
    with pytest.raises(KnowledgeFileError, match=r"over\.yaml: here\.rank: .* not 'high'"):
        build(Severity, {"id": "x", **raw.values}, raw, "here")
    with pytest.raises(KnowledgeFileError, match=r"f\.yaml: here: 'rank' is missing"):
        build(Severity, {"id": "x"}, item(aliases=[]), "here")


def test_build_names_the_nearest_key_of_the_part_that_has_a_wrong_one():
    written = item(by_severity={"mild": {"explanation": "x", "show": []}})
    fields = {"id": "x", "name": "x", "group": "g", "explanation": "x", "attributes": ["a"]}
    with pytest.raises(
        KnowledgeFileError,
        match=r"f\.yaml: here\.by_severity\.mild: unknown key 'show'; did you mean 'shows'",
    ):
        build(Entry, {**fields, **written.values}, written, "here")


def test_texts():
    assert texts(item(words=["a"]), "words", "here") == ["a"]
    for wrong in ("a", [1], [True, "a"], None):
        with pytest.raises(KnowledgeFileError, match=r"f\.yaml: here must be a list of texts"):
            texts(item(words=wrong), "words", "here")


def test_known():
    known("side", "left", ("left",), HERE, "here")
    with pytest.raises(
        KnowledgeFileError, match=r"f\.yaml: here: unknown side 'lift'; did you mean 'left'"
    ):
        known("side", "lift", ("left",), HERE, "here")


def test_parents():
    items = {name: item(parent="x") for name in "abc"}
    acyclic({"a": "b", "b": "c", "c": None}, items, "category")
    with pytest.raises(KnowledgeFileError, match="cycle of parents: a -> b -> c -> b"):
        acyclic({"a": "b", "b": "c", "c": "b"}, items, "category")
    with pytest.raises(KnowledgeFileError, match="cycle of parents: a -> a"):
        acyclic({"a": "a"}, items, "category")
    with pytest.raises(KnowledgeFileError, match=r"f\.yaml: a\.parent: unknown category 'z'"):
        acyclic({"a": "z"}, items, "category")
