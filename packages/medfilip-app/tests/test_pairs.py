import gzip
import json
from pathlib import Path

import pytest
from gpt_ie import ReadError, Rejected
from medfilip_app.errors import AppError
from medfilip_app.pairs import Pair, open_pairs, read_report

SECRET = "Mrs Doe has a mass."


def table(folder: Path, text: str, name: str = "pairs.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_texts_in_the_table(tmp_path: Path):
    path = table(tmp_path, 'id,image,report\na,sub/a.png,"Mass, large."\nb,/b.png,Nodule.\n')
    first, second = open_pairs(path).pairs()
    assert isinstance(first, Pair)
    assert (first.image, first.path) == ("sub/a.png", tmp_path / "sub" / "a.png")
    assert (first.report.report_id, first.report.row) == ("a", 2)
    assert first.report.sections == {"text": "Mass, large."}
    assert isinstance(second, Pair)
    assert second.path == Path("/b.png")


def test_findings_and_impression_are_sections(tmp_path: Path):
    path = table(tmp_path, "study_id,image,impression,findings\n1,a.png,Mass.,Nodule.\n")
    (pair,) = open_pairs(path).pairs()
    assert isinstance(pair, Pair)
    assert pair.report.sections == {"findings": "Nodule.", "impression": "Mass."}


def test_reports_in_files_of_their_own(tmp_path: Path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "a.txt").write_text("FINDINGS: Mass.\n", encoding="utf-8")
    (pair,) = open_pairs(table(tmp_path, "image,report_file\na.png,r/a.txt\n")).pairs()
    assert isinstance(pair, Pair)
    assert pair.report.sections == {"text": "FINDINGS: Mass.\n"}
    assert (pair.report.report_id, pair.report.row) == ("a.png", 2)


def test_the_id_is_a_column_that_is_named_or_guessed_or_the_image(tmp_path: Path):
    path = table(tmp_path, "study_id,dicom_id,image,report\n1,x,a.png,Mass.\n1,y,b.png,Mass.\n")
    guessed = list(open_pairs(path).pairs())
    assert isinstance(guessed[1], Rejected)
    assert "'1' of row 3 was already in row 2" in guessed[1].reason
    for column, ids in (("dicom_id", ["x", "y"]), ("image", ["a.png", "b.png"])):
        pairs = list(open_pairs(path, column).pairs())
        assert [one.report.report_id for one in pairs if isinstance(one, Pair)] == ids
    bare = table(tmp_path, "image,report\na.png,Mass.\n", "bare.csv")
    (pair,) = open_pairs(bare).pairs()
    assert isinstance(pair, Pair)
    assert pair.report.report_id == "a.png"


def test_other_formats(tmp_path: Path):
    pq = pytest.importorskip("pyarrow.parquet")
    pa = pytest.importorskip("pyarrow")
    rows = [{"id": "a", "image": "a.png", "report": "Mass."}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    table(tmp_path, lines, "p.jsonl")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p.parquet")
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(b"id,image,report\na,a.png,Mass.\n"))
    for name in ("p.jsonl", "p.csv.gz", "p.parquet"):
        (pair,) = open_pairs(tmp_path / name).pairs()
        assert isinstance(pair, Pair)
        assert (pair.report.report_id, pair.image) == ("a", "a.png")
        assert pair.report.sections == {"text": "Mass."}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.csv", "\n\nid,image,report\na,a.png,Mass.\n"),
        ("p.jsonl", ' \n{"id": "a", "image": "a.png", "report": "Mass."}\n'),
    ],
)
def test_empty_lines_come_before_a_table_too(tmp_path: Path, name: str, text: str):
    (pair,) = open_pairs(table(tmp_path, text, name)).pairs()
    assert isinstance(pair, Pair)
    assert (pair.report.report_id, pair.image) == ("a", "a.png")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,,r.txt", "no file in 'image'"),
        ("a,b.png,", "'' is no name of a report's file"),
        ("a,b.png,gone.txt", "the report 'gone.txt': cannot read the file: No such file"),
        ("a,b.png,.", "the report '.' is not a regular file"),
        ("a,b.png,empty.txt", "the report is empty: no text in 'text'"),
        ("a,b.png,latin.txt", "the report 'latin.txt': byte 3, 0xe9, is not UTF-8"),
        ("a,b.png,wide.txt", "the report 'wide.txt': the file is UTF-16, not UTF-8"),
        ("a,b.png,nul.txt", "the report 'nul.txt': the file holds a NUL byte"),
        ("a,b.png,huge.txt", "the report 'huge.txt': the file is larger than 4 MiB"),
        ("a,b.png", "the row has 2 fields where the header has 3"),
    ],
)
def test_a_pair_that_cannot_be_one_says_why_without_its_text(tmp_path: Path, row: str, reason: str):
    files = {
        "r.txt": SECRET.encode(),
        "empty.txt": b" \n",
        "latin.txt": f"caf\xe9 {SECRET}".encode("latin-1"),
        "wide.txt": SECRET.encode("utf-16"),
        "nul.txt": f"{SECRET}\0".encode(),
        "huge.txt": SECRET.encode() * 300_000,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    path = table(tmp_path, f"id,image,report_file\n{row}\nz,z.png,r.txt\n")
    bad, good = open_pairs(path).pairs()
    assert isinstance(bad, Rejected)
    assert bad.row == 2
    assert reason in bad.reason
    assert "Doe" not in bad.reason
    assert isinstance(good, Pair)


def test_a_name_with_a_nul_byte_is_no_file(tmp_path: Path):
    lines = [{"id": n, "image": image, "report": "Mass."} for n, image in enumerate(("a\0", 3))]
    path = table(tmp_path, "".join(json.dumps(line) + "\n" for line in lines), "p.jsonl")
    nul, number = open_pairs(path).pairs()
    assert isinstance(nul, Rejected)
    assert "holds a NUL byte" in nul.reason
    assert isinstance(number, Rejected)
    assert "'image' is no text but of type int" in number.reason
    assert isinstance(read_report(tmp_path, "a\0", "a"), Rejected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("id,picture,report\n", "no column 'image'; columns found: 'id', 'picture', 'report'"),
        ("id,image\n", "no column for the report: 'report' with its text"),
        ("id,image,report,report_file\n", "a column 'report_file': keep one of them"),
        ("image,image,report\n", "the column 'image' is there 2 times"),
        ('"id,image,report\n', "the header is not valid CSV"),
    ],
)
def test_a_table_without_its_columns_is_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises((AppError, ReadError), match=message) as told:
        open_pairs(table(tmp_path, text))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.csv", None, "no file"),
        ("pairs.xlsx", b"PK", "ends in '.xlsx'"),
        ("p.jsonl", b"[1]\n", "line 1 is not a JSON object"),
        ("p.jsonl", b"[" * 100_000, "is not a JSON object"),
        ("p.parquet", b"PAR1", "not a whole Parquet file"),
        ("p.csv.gz", b"id,image", "not a whole gzip file"),
        ("p.csv", b"\xff\xfei\0d\0", "is not UTF-8"),
        (".", None, "is a folder; name a table in it"),
    ],
)
def test_what_is_no_table_is_refused(
    tmp_path: Path, name: str, content: bytes | None, message: str
):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises((AppError, ReadError), match=message):
        open_pairs(tmp_path / name)


def test_an_id_that_is_named_must_be_there(tmp_path: Path):
    path = table(tmp_path, "image,report\n")
    with pytest.raises(AppError, match="no column 'uid' for --id; columns found: 'image', 'repor"):
        open_pairs(path, "uid")
