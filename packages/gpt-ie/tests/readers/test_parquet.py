import contextlib
import io
import sys
from pathlib import Path

import pytest
from gpt_ie.readers import ReadError, read_reports
from gpt_ie.schema import Rejected, Report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def write(path: Path, columns: dict[str, object], **options: object) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_rows_become_reports(tmp_path: Path):
    path = write(
        tmp_path / "x.parquet",
        {
            "study_id": pa.array([50414267, 50414268]),
            "image": pa.array([b"\x89PNG", None]),
            "findings": pa.array(["Mass.\nÉdema", None]),
            "impression": pa.array(["Normal", ""]).dictionary_encode(),
        },
    )
    assert list(read_reports(path)) == [
        Report("50414267", {"findings": "Mass.\nÉdema", "impression": "Normal"}, 1),
        Report("50414268", {"findings": "", "impression": ""}, 2),
    ]


def test_named_columns_sections_and_bytes_told(tmp_path: Path):
    count = 3000
    path = write(
        tmp_path / "x.PARQUET",
        {
            "key": pa.array([f"k{i}" for i in range(count)], pa.large_string()),
            "a.body": pa.array(["HISTORY: x\nFINDINGS: Mass."] * count, pa.large_string()),
        },
        row_group_size=700,
    )
    told: list[int] = []
    records = list(
        read_reports(
            path,
            id_column="key",
            text_columns=["a.body"],
            sections=["findings"],
            on_read=told.append,
        )
    )
    assert [record.report_id for record in records] == [f"k{i}" for i in range(count)]
    assert [record.row for record in records] == list(range(1, count + 1))
    first = records[0]
    assert isinstance(first, Report)
    assert first.sections == {"text": "\n\n" + " " * 9 + "FINDINGS: Mass."}
    assert told == sorted(set(told))
    assert len(told) > 2
    assert told[-1] == path.stat().st_size


def test_values_that_are_no_text_are_rejected_and_the_others_go_on(tmp_path: Path):
    path = write(
        tmp_path / "x.parquet",
        {"id": pa.array(["a", None, " "]), "text": pa.array([["x"], ["y"], None])},
    )
    assert list(read_reports(path)) == [
        Rejected("a", 1, "'text' is no text but of type list"),
        Rejected(None, 2, "'id' is missing or is no text"),
        Rejected(None, 3, "the report id is empty"),
    ]
    # Bytes that are not UTF-8 in a column that says it is text.
    raw = pa.array([b"good", b"caf\xe9", b"last"], pa.binary()).view(pa.string())
    path = write(tmp_path / "y.parquet", {"id": pa.array(["a", "b", "c"]), "text": raw})
    assert list(read_reports(path)) == [
        Report("a", {"text": "good"}, 1),
        Rejected(None, 2, "a text of the row is not UTF-8"),
        Report("c", {"text": "last"}, 3),
    ]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"id,text\n1,x\n", b"PAR1" * 10])
def test_a_file_that_is_no_parquet(tmp_path: Path, content: bytes):
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(ReadError, match="not a whole Parquet file"):
        read_reports(path)


def test_a_file_cut_anywhere_is_a_read_error_at_once(tmp_path: Path):
    path = write(tmp_path / "x.parquet", {"id": ["a"] * 100, "text": ["Mass"] * 100})
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(ReadError):
            read_reports(path)


def test_a_file_without_rows_or_columns(tmp_path: Path):
    path = write(tmp_path / "x.parquet", {"id": pa.array([], pa.string()), "text": ["x"][:0]})
    with pytest.raises(ReadError, match="no report"):
        list(read_reports(path))
    path = write(tmp_path / "y.parquet", {"id": ["a"], "words": ["x"]})
    with pytest.raises(ReadError, match="'id', 'words'"):
        read_reports(path)


def test_without_pyarrow_the_message_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = write(tmp_path / "x.parquet", {"id": ["a"], "text": ["x"]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ReadError, match=r"gpt-ie\[parquet\]"):
        read_reports(path)


def valid() -> bytes:
    sink = io.BytesIO()
    table = pa.table({"id": [str(i) for i in range(40)], "text": ["No effusion."] * 40})
    pq.write_table(table, sink, row_group_size=16)
    return sink.getvalue()


@quick
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6
    ),
    cut=st.none() | st.integers(0, 10_000),
)
def test_any_change_of_a_file_gives_records_or_a_read_error(
    changes: list[tuple[int, int]], cut: int | None, tmp_path: Path
):
    content = bytearray(valid())
    for place, byte in changes:
        content[place % len(content)] = byte
    if cut is not None:
        del content[cut % len(content) :]
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    records: list[object] = []
    with contextlib.suppress(ReadError):
        records.extend(read_reports(path))
    assert all(isinstance(record, Report | Rejected) for record in records)
