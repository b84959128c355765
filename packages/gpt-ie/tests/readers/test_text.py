import contextlib
import io
import os
import sys
from pathlib import Path

import pytest
from gpt_ie.columns import Wanted
from gpt_ie.readers import ReadError, read_reports
from gpt_ie.readers.text import LARGEST_TEXT, read_stdin
from gpt_ie.schema import Rejected, Report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in {
        "b.txt": b"\xef\xbb\xbfNo\r\neffusion.",
        "a/2.TXT": b"Mass.",
        "a/10.txt": b"Edema.",
        "c.d.txt": b"",
        "notes.md": b"no report",
        ".hidden.txt": b"no report",
        "._b.txt": b"\0\1",
    }.items():
        path = tmp_path / "reports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "reports"


def test_each_txt_is_a_report_in_the_order_of_names(folder: Path):
    told: list[int] = []
    assert list(read_reports(folder, on_read=told.append)) == [
        Report("a/10", {"text": "Edema."}),
        Report("a/2", {"text": "Mass."}),
        Report("b", {"text": "No\r\neffusion."}),
        Report("c.d", {"text": ""}),
    ]
    assert told == [6, 11, 27, 27]


def test_links_are_not_followed_and_said_so(folder: Path):
    (folder / "a" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "outside.txt").symlink_to("/etc/hostname")
    records = list(read_reports(folder))
    rejected = [record for record in records if isinstance(record, Rejected)]
    assert [record.report_id for record in rejected] == ["a/loop", "outside"]
    assert all("symbolic link" in record.reason for record in rejected)
    assert len(records) == 6


def test_the_folder_named_may_itself_be_a_link(folder: Path, tmp_path: Path):
    link = tmp_path / "link"
    link.symlink_to(folder, target_is_directory=True)
    assert list(read_reports(link)) == list(read_reports(folder))


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"caf\xe9", ["byte 3", "0xe9", "iconv"]),
        (b"\xef\xbb\xbfcaf\xe9", ["byte 6"]),
        ("Mass".encode("utf-16"), ["UTF-16"]),
        (b"\x7fELF\0\0\0", ["NUL"]),
        (b"x" * (LARGEST_TEXT + 1), ["larger than 4 MiB"]),
    ],
)
def test_a_file_that_is_no_text_fails_and_the_others_go_on(
    folder: Path, content: bytes, parts: list[str]
):
    (folder / "a" / "bad.txt").write_bytes(content)
    records = list(read_reports(folder))
    (bad,) = [record for record in records if isinstance(record, Rejected)]
    assert bad.report_id == "a/bad"
    assert all(part in bad.reason for part in parts)
    assert len(records) == 5


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_not_waited_for(folder: Path):
    os.mkfifo(folder / "pipe.txt")
    bad = [record for record in read_reports(folder) if isinstance(record, Rejected)]
    assert bad == [Rejected("pipe", None, "not a regular file")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_rejected(folder: Path):
    (folder / "b.txt").chmod(0)
    (folder / "a").chmod(0)
    try:
        bad = [record for record in read_reports(folder) if isinstance(record, Rejected)]
    finally:
        (folder / "a").chmod(0o700)
    assert [record.report_id for record in bad] == ["a", "b"]
    assert all("ermission" in record.reason for record in bad)


def test_a_file_that_vanishes_is_rejected(folder: Path):
    records = read_reports(folder)
    next(records)
    (folder / "b.txt").unlink()
    assert [type(record) for record in records] == [Report, Rejected, Report]


def test_folders_may_be_deep(tmp_path: Path):
    depth, limit = 400, sys.getrecursionlimit()
    folders = [tmp_path]
    for _ in range(depth):
        folders.append(folders[-1] / "d")
    for folder in folders[1:]:
        folder.mkdir()
    file = folders[-1] / "x.txt"
    file.write_text("Mass.", encoding="utf-8")
    sys.setrecursionlimit(depth)
    try:
        (report,) = read_reports(tmp_path)
    finally:
        sys.setrecursionlimit(limit)
    assert report.report_id == "/".join(["d"] * depth + ["x"])


def test_a_name_that_is_not_utf8(tmp_path: Path):
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"Mass.")
    except OSError:
        pytest.skip("this file system has names of UTF-8 alone")
    (record,) = read_reports(tmp_path)
    assert isinstance(record, Rejected)
    assert record.report_id == "caf?"


def test_an_empty_folder_and_options_for_tables(folder: Path, tmp_path: Path):
    empty = tmp_path / "empty" / "deeper"
    empty.mkdir(parents=True)
    with pytest.raises(ReadError, match=r"without \.txt"):
        read_reports(empty.parent)
    (folder / "b.txt").unlink()
    (folder / "c.d.txt").unlink()
    for options in ({"id_column": "id"}, {"text_columns": ["text"]}):
        with pytest.raises(ReadError, match="leave out --id and --text"):
            read_reports(folder, **options)  # pyright: ignore[reportArgumentType]


def test_sections_of_files(folder: Path):
    (folder / "b.txt").write_text("FINDINGS: Mass.\nIMPRESSION: Edema.", encoding="utf-8")
    records = {record.report_id: record for record in read_reports(folder, sections=["impression"])}
    report = records["b"]
    assert isinstance(report, Report)
    assert report.sections["text"] == "\n\n" + " " * 14 + "IMPRESSION: Edema."


def stdin(content: bytes, **wanted: object) -> list[Report | Rejected]:
    return list(read_stdin(io.BytesIO(content), Wanted(**wanted)))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("content", "reports"),
    [
        (b'\n {"id": "1", "text": "Mass"}\n', [Report("1", {"text": "Mass"}, 2)]),
        (b'\xef\xbb\xbf"id","findings"\n1,Mass\n', [Report("1", {"findings": "Mass"}, 2)]),
        (b"\n\nid,text\n1,Mass", [Report("1", {"text": "Mass"}, 4)]),
        (b"Lungs, heart and pleura are normal.\nNo mass.\n",
         [Report("stdin", {"text": "Lungs, heart and pleura are normal.\nNo mass.\n"})]),
        (b"\n FINDINGS\nMass", [Report("stdin", {"text": "\n FINDINGS\nMass"})]),
        (b"[**2101-1-1**] Mass", [Report("stdin", {"text": "[**2101-1-1**] Mass"})]),
        (b'Said "mass', [Report("stdin", {"text": 'Said "mass'})]),
        (b"Chest, PA", [Report("stdin", {"text": "Chest, PA"})]),
    ],
)  # fmt: skip
def test_standard_input_is_told_by_its_beginning(content: bytes, reports: list[Report]):
    assert stdin(content) == reports


def test_standard_input_with_options():
    table = b"x,body\n1,FINDINGS: Mass. IMPRESSION: Edema.\n"
    (report,) = stdin(table, id_column="x", text_columns=("body",))
    assert report == Report("1", {"text": "FINDINGS: Mass. IMPRESSION: Edema."}, 2)
    (report,) = stdin(b"FINDINGS: Mass.\nIMPRESSION: Edema.", sections=frozenset({"findings"}))
    assert isinstance(report, Report)
    assert report.sections["text"].split() == ["FINDINGS:", "Mass."]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"caf\xe9", r"iconv .* FILE \| gpt-ie extract -"),
        (b"Mass\0", "NUL"),
        # Names of columns that we do not know are no report.
        (b"patient,words\n1,Mass\n", "--id COLUMN"),
        pytest.param(b"Mass. " * 1_000_000, "no report", id="large"),
        pytest.param(b"\n" * (LARGEST_TEXT + 1), "no report", id="blank"),
        (b'[{"id": 1}]', "one object a line"),
        (b"{\n", "not a JSON object"),
    ],
)
def test_standard_input_that_cannot_be_read(content: bytes, match: str):
    with pytest.raises(ReadError, match=match):
        stdin(content)


def test_standard_input_is_streamed():
    class Endless(io.RawIOBase):
        """Rows without end."""

        count = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
            row = b"id,text\n" if not self.count else f"{self.count},Mass\n".encode()
            self.count += 1
            buffer[: len(row)] = row
            return len(row)

    source = Endless()
    records = read_stdin(io.BufferedReader(source), Wanted())
    assert [next(records).report_id for _ in range(3)] == ["1", "2", "3"]
    assert source.count < 10


@quick
@given(
    head=st.sampled_from(
        [b"", b"id,text\n", b'{"id":"1","text":"x"}\n', b"\xef\xbb\xbf", b"a,b\n"]
    ),
    body=st.binary(max_size=120)
    | st.text(alphabet='",\n\r{}:id text[]\\', max_size=120).map(str.encode),
    sections=st.sampled_from([frozenset[str](), frozenset({"impression"})]),
)
def test_any_bytes_on_standard_input(head: bytes, body: bytes, sections: frozenset[str]):
    records: list[object] = []
    with contextlib.suppress(ReadError):
        records.extend(stdin(head + body, sections=sections))
    assert all(isinstance(record, Report | Rejected) for record in records)


@quick
@given(
    content=st.binary(max_size=200)
    | st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_bytes_in_a_file(content: bytes, tmp_path: Path):
    (tmp_path / "x.txt").write_bytes(content)
    (record,) = read_reports(tmp_path, sections=["findings"])
    assert record.report_id == "x"
