import pytest
from iki_knowledge import KnowledgeFileError, Severity
from iki_knowledge.check import SurfaceTable, acyclic, build, known, texts
from iki_knowledge.merge import Item


def item(file: str = "f.yaml", **values: object) -> Item:
    return Item(dict(values), dict.fromkeys(values, file))


def test_a_table_keeps_the_first_and_takes_the_same_again():
    table = SurfaceTable[str]("category")
    table.add("Effusions", "pleural_effusion", owner="pleural_effusion", file="a.yaml")
    table.add("effusion", "pleural_effusion", owner="pleural_effusion", file="b.yaml")
    assert table.values == {"effusion": "pleural_effusion"}


def test_a_form_with_two_meanings_names_both_files():
    table = SurfaceTable[str]("category")
    table.add("shadow", "mass", owner="mass", file="a.yaml")
    with pytest.raises(
        KnowledgeFileError,
        match=r"b\.yaml: category 'nodule': alias 'Shadows' already means 'mass' in a\.yaml",
    ):
        table.add("Shadows", "nodule", owner="nodule", file="b.yaml")


@pytest.mark.parametrize(
    ("surface", "message"), [("--", "no letter or digit"), ("a b c d e f g h i", "more than 8")]
)
def test_forms_that_could_never_match_are_refused(surface, message):
    with pytest.raises(KnowledgeFileError, match=rf"f\.yaml: .*{message}"):
        SurfaceTable[str]("category").add(surface, "x", owner="x", file="f.yaml")


def test_build_names_the_file_of_the_field():
    raw = Item({"rank": "high"}, {"rank": "over.yaml"})
    with pytest.raises(KnowledgeFileError, match=r"over\.yaml: here\.rank: .* not 'high'"):
        build(Severity, {"id": "x", **raw.values}, raw, "here")
    with pytest.raises(KnowledgeFileError, match=r"f\.yaml: here: 'rank' is missing"):
        build(Severity, {"id": "x"}, item(aliases=[]), "here")


def test_texts():
    assert texts(item(words=["a"]), "words", "here") == ["a"]
    for wrong in ("a", [1], [True, "a"], None):
        with pytest.raises(KnowledgeFileError, match=r"f\.yaml: here must be a list of texts"):
            texts(item(words=wrong), "words", "here")


def test_known():
    known("side", "left", ("left",), "here")
    with pytest.raises(KnowledgeFileError, match="here: unknown side 'lift'; did you mean 'left'"):
        known("side", "lift", ("left",), "here")


def test_parents():
    items = {name: item(parent="x") for name in "abc"}
    acyclic({"a": "b", "b": "c", "c": None}, items, "category")
    with pytest.raises(KnowledgeFileError, match="cycle of parents: a -> b -> c -> b"):
        acyclic({"a": "b", "b": "c", "c": "b"}, items, "category")
    with pytest.raises(KnowledgeFileError, match="cycle of parents: a -> a"):
        acyclic({"a": "a"}, items, "category")
    with pytest.raises(KnowledgeFileError, match=r"f\.yaml: a\.parent: unknown category 'z'"):
        acyclic({"a": "z"}, items, "category")
