import contextlib
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from gpt_ie.readers import ReadError, read_reports
from gpt_ie.schema import Rejected, Report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
no_surrogates = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def test_csv_rows_become_reports(write_csv: Callable[..., Path]):
    path = write_csv([["a", "No effusion,\nno mass.", "Normal"], ["b", "", 'The "mass"']])
    assert list(read_reports(path)) == [
        Report("a", {"findings": "No effusion,\nno mass.", "impression": "Normal"}, 2),
        Report("b", {"findings": "", "impression": 'The "mass"'}, 3),
    ]


def test_a_byte_order_mark_and_blank_lines_are_tolerated(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbfreport_id,text\r\n\r\n1,Nodule\r\n\r\n")
    assert list(read_reports(path)) == [Report("1", {"text": "Nodule"}, 3)]


def test_jsonl_lines_become_reports(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    rows = [{"id": 7, "findings": "A", "impression": None, "other": [1]}, {"id": "b"}]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")
    assert list(read_reports(path)) == [
        Report("7", {"findings": "A", "impression": ""}, 1),
        Report("b", {"findings": "", "impression": ""}, 2),
    ]


def test_columns_can_be_named(write_csv: Callable[..., Path]):
    path = write_csv([["1", "2", "Mass"]], header=["x", "key", "body"])
    assert list(read_reports(path, id_column="key", text_columns=["body"])) == [
        Report("2", {"text": "Mass"}, 2)
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not valid JSON"),
        ("[1]", "not a JSON object"),
        ('{"findings": "x"}', "'id' is missing"),
        ('{"id": true, "findings": "x"}', "'id' is missing"),
        ('{"id": "q", "findings": ["x"]}', "of type list"),
        ('{"id": " ", "findings": "x"}', "id is empty"),
        ('{"id": "q", "findings": "\\ud800"}', "surrogate"),
        ("[" * 100_000, "JSON"),
        ('{"id": "q", "findings": ' + "9" * 5000 + "}", "number is too long"),
    ],
)
def test_a_bad_line_is_rejected_and_the_others_go_on(tmp_path: Path, line: str, reason: str):
    path = tmp_path / "x.jsonl"
    good = '{"id": "a", "findings": "Mass"}'
    path.write_text(f"{good}\n{line}\n{good}\n", encoding="utf-8")
    first, bad, last = read_reports(path)
    assert isinstance(first, Report)
    assert isinstance(last, Report)
    assert isinstance(bad, Rejected)
    assert bad.row == 2
    assert reason in bad.reason


def test_a_row_of_another_length_is_rejected(write_csv: Callable[..., Path]):
    path = write_csv([["a", "x"], ["b", "x", "y", "z"], ["c", "x", "y"]])
    short, long, good = read_reports(path)
    assert short == Rejected("a", 2, short.reason)
    assert "2 fields where the header has 3" in short.reason
    assert isinstance(long, Rejected)
    assert isinstance(good, Report)


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("x.csv", b"", ["x.csv", "empty"]),
        ("x.csv", b"\n \n", ["empty"]),
        ("x.jsonl", b"\n\n", ["empty"]),
        ("x.csv", b"report_id,findings\n", ["no report under it"]),
        ("x.csv", b"report_id,findings\n1,caf\xe9\n", ["line 2", "byte 24", "0xe9", "iconv"]),
        ("x.csv", "report_id,text\n1,x\n".encode("utf-16"), ["0xff", "UTF-16"]),
        ("x.csv", b'report_id,text\n1,"open\n2,x\n', ["line 3", "quote left open"]),
        ("x.csv", b'report_id,text\n1,"a"b\n', ["line 2", "quote"]),
        ("x.csv", b"report_id,text\r1,x\r", ["x.csv", "CSV"]),
        ("x.jsonl", b"report_id,text\n", ["line 1", "JSON object"]),
        ("x.txt", b"x", [".txt", ".csv, .jsonl"]),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_what_to_do(
    tmp_path: Path, name: str, content: bytes, parts: list[str]
):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ReadError) as caught:
        list(read_reports(path))
    for part in parts:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_suggests_near_names_at_once(tmp_path: Path):
    (tmp_path / "reports.csv").touch()
    with pytest.raises(ReadError, match=r"did you mean 'reports\.csv'"):
        read_reports(tmp_path / "report.csv")
    with pytest.raises(ReadError, match="is a folder"):
        read_reports(tmp_path)


def test_bytes_read_are_told(write_csv: Callable[..., Path]):
    path = write_csv([["a", "x", "y"]] * 5)
    told: list[int] = []
    list(read_reports(path, on_read=told.append))
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


@quick
@given(rows=st.lists(st.tuples(st.from_regex(r"\w{1,6}", fullmatch=True), no_surrogates)))
def test_what_csv_writes_is_read_back_verbatim(rows: list[tuple[str, str]], tmp_path: Path):
    table = io.StringIO(newline="")
    csv.writer(table).writerows([("id", "text"), *rows])
    path = tmp_path / "x.csv"
    path.write_bytes(table.getvalue().encode())
    if rows:
        read = [(report.report_id, dict(report.sections)) for report in read_reports(path)]
        assert read == [(name, {"text": text}) for name, text in rows]


@quick
@given(
    head=st.sampled_from(
        [b"", b"id,text\n", b'{"id":"1","text":"x"}\n', b"\xef\xbb\xbfid,text\r\n"]
    ),
    body=st.binary(max_size=120)
    | st.text(alphabet='",\n\r{}:id text[]\\', max_size=120).map(str.encode),
    name=st.sampled_from(["x.csv", "x.jsonl"]),
)
def test_any_bytes_give_records_or_a_read_error(
    head: bytes, body: bytes, name: str, tmp_path: Path
):
    path = tmp_path / name
    path.write_bytes(head + body)
    records: list[object] = []
    with contextlib.suppress(ReadError):
        records.extend(read_reports(path))
    assert all(isinstance(record, Report | Rejected) for record in records)
