import pytest
from gpt_ie.columns import ColumnError, Columns, choose_columns


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
