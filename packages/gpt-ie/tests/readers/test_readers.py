"""The choice of a reader, the sections of tables, and what all readers have in common."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from gpt_ie.readers import FORMATS, ReadError, base_name, read_reports
from gpt_ie.schema import Rejected, Report

FREE = "HISTORY: Mass.\nFINDINGS: Small right\npleural effusion.\nIMPRESSION: Cardiomegaly."


def texts(path: Path, **options: object) -> list[dict[str, str]]:
    records = list(read_reports(path, **options))  # pyright: ignore[reportArgumentType]
    assert all(isinstance(record, Report) for record in records)
    return [dict(record.sections) for record in records if isinstance(record, Report)]


@pytest.mark.parametrize("name", ["x.parquet.gz", "x.gz", "x", "x.tsv"])
def test_other_endings_are_refused_with_those_known(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(b"x")
    with pytest.raises(ReadError, match="reports are read from") as caught:
        read_reports(path)
    assert all(ending in str(caught.value) for ending in FORMATS)


def test_sections_choose_among_columns(write_csv: Callable[..., Path]):
    path = write_csv([["a", "Mass", "Edema", FREE]], ["id", "Findings", "Impression", "report"])
    assert texts(path, sections=["impression"]) == [{"Impression": "Edema"}]
    assert texts(path, sections=["Findings", "conclusion"]) == [
        {"Findings": "Mass", "Impression": "Edema"}
    ]
    # No column of that name: the whole text is looked through for its headings.
    (row,) = read_reports(path, sections=["addendum"])
    assert row == Rejected("a", 2, "no text under addendum; it has findings, impression")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"sections": ["impresion"]}, ["'impresion'", "--sections", "did you mean 'impression'"]),
        ({"sections": ["impression"]}, ["'findings'", "--sections impression", "--text"]),
        ({"sections": ["impression"], "text_columns": ["findings"]}, ["'findings'"]),
    ],
)
def test_sections_that_cannot_be_had(
    write_csv: Callable[..., Path], options: dict[str, list[str]], parts: list[str]
):
    path = write_csv([["a", "Mass"]], ["id", "findings"])
    with pytest.raises(ReadError) as caught:
        read_reports(path, **options)  # pyright: ignore[reportArgumentType]
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "base"),
    [("reports.csv", "reports"), ("a/reports.v2.jsonl.gz", "reports.v2"), ("-", "stdin")],
)
def test_base_names(name: str, base: str):
    assert base_name(Path(name)) == base


def test_the_base_name_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "notes.v1"
    folder.mkdir()
    assert base_name(folder) == "notes.v1"
    monkeypatch.chdir(folder)
    assert base_name(Path()) == "notes.v1"


def test_a_path_of_one_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch):
    stdin = io.TextIOWrapper(io.BytesIO(b"id,text\n1,Mass\n"))
    monkeypatch.setattr("sys.stdin", stdin)
    assert list(read_reports(Path("-"))) == [Report("1", {"text": "Mass"}, 2)]
