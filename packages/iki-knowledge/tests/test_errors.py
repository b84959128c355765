import pickle

from iki_knowledge.errors import (
    IkiError,
    KnowledgeFileError,
    UnknownCategoryError,
    UnknownNameError,
    unknown,
)


def test_near_names_are_suggested():
    assert unknown("category", "pnuemonia", ["pneumonia", "mass"]) == (
        "unknown category 'pnuemonia'; did you mean 'pneumonia'?"
    )


def test_few_names_are_all_listed_when_none_is_near():
    assert unknown("side", "x", ["right", "left"]) == "unknown side 'x'; allowed are left, right"


def test_many_names_are_counted_when_none_is_near():
    assert "none of the 40 known names" in unknown("id", "zzz", [f"name{i}" for i in range(40)])


def test_a_value_that_is_no_text_is_named():
    assert unknown("side", 3, ["left"]).startswith("unknown side 3;")


def test_one_tree_and_key_errors_where_python_expects_them():
    error = UnknownCategoryError("category", "x", ["y"])
    assert isinstance(error, UnknownNameError)
    assert isinstance(error, IkiError)
    assert isinstance(error, KeyError)
    assert issubclass(KnowledgeFileError, IkiError)


def test_the_message_is_not_quoted_and_survives_a_process_border():
    error = UnknownCategoryError("category", "x", ["y"])
    assert str(error) == "unknown category 'x'; allowed are y"
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is UnknownCategoryError
    assert str(copy) == str(error)
