import pytest
from gpt_ie.columns import ColumnError, Columns, choose_columns, choose_sections


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (
            ["report_id", "findings", "impression"],
            Columns("report_id", {"findings": "findings", "impression": "impression"}),
        ),
        # The name in the file is kept as the section's name.
        (
            ["UID", "Findings", "IMPRESSION"],
            Columns("UID", {"Findings": "Findings", "IMPRESSION": "IMPRESSION"}),
        ),
        (["Study ID", "impression"], Columns("Study ID", {"impression": "impression"})),
        (["id", "report"], Columns("id", {"text": "report"})),
        (["filename", "x", "text", "report"], Columns("filename", {"text": "text"})),
    ],
)
def test_guesses(names: list[str], columns: Columns):
    assert choose_columns(names) == columns


def test_named_columns_win():
    names = ["report_id", "key", "findings", "body_a", "body_b"]
    assert choose_columns(names, "key", ["body_a"]) == Columns("key", {"text": "body_a"})
    assert choose_columns(names, None, ["body_a", "body_b"]) == Columns(
        "report_id", {"body_a": "body_a", "body_b": "body_b"}
    )
    assert choose_columns(names, None, ["findings"]).texts == {"findings": "findings"}


@pytest.mark.parametrize(
    ("names", "id_column", "texts", "parts"),
    [
        (["findings"], None, (), ["report's id", "'findings'", "--id", "report_id"]),
        (["id", "words"], None, (), ["the text", "'id', 'words'", "--text"]),
        (["id", "text"], "idd", (), ["'idd'", "--id", "'id', 'text'", "did you mean 'id'"]),
        (["id", "findings"], None, ("finding",), ["'finding'", "did you mean 'findings'"]),
        (["id;findings"], None, (), ["separated by another sign"]),
        (["id", "text", "text"], None, (), ["'text'", "2 times"]),
    ],
)
def test_errors_name_the_column_those_found_and_the_option(
    names: list[str], id_column: str | None, texts: tuple[str, ...], parts: list[str]
):
    with pytest.raises(ColumnError) as caught:
        choose_columns(names, id_column, texts)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("names", "texts", "sections", "columns"),
    [
        (["id", "Findings", "Impression"], (), {"impression"}, {"Impression": "Impression"}),
        (["id", "findings"], (), {"findings", "impression"}, {"findings": "findings"}),
        (["id", "findings", "report"], (), {"impression"}, {"text": "report"}),
        (["id", "findings", "report"], ("report",), {"findings"}, {"text": "report"}),
        (["id", "findings", "x"], ("x", "findings"), {"findings"},
         {"x": "x", "findings": "findings"}),
        (["id", "conclusion"], ("conclusion",), {"impression"}, {"text": "conclusion"}),
    ],
)  # fmt: skip
def test_columns_of_other_sections_are_left_out(
    names: list[str], texts: tuple[str, ...], sections: set[str], columns: dict[str, str]
):
    assert choose_columns(names, None, texts, sections).texts == columns


@pytest.mark.parametrize("texts", [(), ("findings",)])
def test_a_table_without_the_sections_wanted(texts: tuple[str, ...]):
    with pytest.raises(ColumnError, match=r"'findings' is none of --sections impression"):
        choose_columns(["id", "findings"], None, texts, {"impression"})


def test_names_of_sections():
    assert choose_sections(None) == choose_sections(()) == frozenset()
    assert choose_sections(["Findings", "CONCLUSION"]) == {"findings", "impression"}
    with pytest.raises(
        ColumnError, match=r"'finding s'.*'findings', 'impression', 'addendum'; did"
    ):
        choose_sections(["finding s"])
