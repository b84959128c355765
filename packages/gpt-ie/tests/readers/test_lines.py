import contextlib
import gzip
from pathlib import Path

import pytest
from gpt_ie.readers import ReadError, read_reports
from gpt_ie.readers.lines import decode
from gpt_ie.schema import Rejected, Report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.mark.parametrize("name", ["x.csv.gz", "x.CSV.GZ", "x.csv"])
def test_packed_tables_are_read_as_the_plain_ones(tmp_path: Path, name: str):
    content = b"\xef\xbb\xbfid,text\r\n1,Mass\r\n2,Edema\r\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.lower().endswith(".gz") else content)
    told: list[int] = []
    assert list(read_reports(path, on_read=told.append)) == [
        Report("1", {"text": "Mass"}, 2),
        Report("2", {"text": "Edema"}, 3),
    ]
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


def test_packed_jsonl_goes_on_after_a_bad_line(tmp_path: Path):
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"id": 1, "text": "Mass"}\n{\n'))
    good, bad = read_reports(path)
    assert good == Report("1", {"text": "Mass"}, 1)
    assert isinstance(bad, Rejected)


@pytest.mark.parametrize("change", ["cut", "plain", "flipped"])
def test_a_damaged_packed_file_is_a_read_error(tmp_path: Path, change: str):
    whole = gzip.compress(b"id,text\n" + b"1,No effusion\n" * 5000)
    bad = {"cut": whole[:-20], "plain": b"id,text\n1,x\n", "flipped": whole[:-8] + b"\0" * 8}
    path = tmp_path / "x.csv.gz"
    path.write_bytes(bad[change])
    with pytest.raises(ReadError, match="not a whole gzip file"):
        list(read_reports(path))


def test_a_packed_file_in_another_encoding_says_how_to_convert_it(tmp_path: Path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"id,text\n1,caf\xe9\n"))
    with pytest.raises(ReadError, match=r"zcat .*x\.csv\.gz \| iconv .* > .*x\.utf8\.csv"):
        list(read_reports(path))


def test_a_line_without_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gpt_ie.readers.lines.LONGEST_LINE", 1000)
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"id": "1", "text": "' + b"x" * 2000)
    with pytest.raises(ReadError, match="line 1 is longer"):
        list(read_reports(path))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_whole_texts_are_decoded_verbatim(text: str):
    assert decode(b"\xef\xbb\xbf" + text.encode()) == text


@quick
@given(
    content=st.binary(max_size=60),
    cut=st.integers(0, 40),
    flip=st.integers(0, 10_000),
    name=st.sampled_from(["x.csv.gz", "x.jsonl.gz"]),
)
def test_any_packed_bytes_give_records_or_a_read_error(
    content: bytes, cut: int, flip: int, name: str, tmp_path: Path
):
    packed = bytearray(gzip.compress(b"id,text\n1,Mass\n" + content))
    packed[flip % len(packed)] ^= 1 + flip % 255
    path = tmp_path / name
    path.write_bytes(packed[: len(packed) - cut])
    records: list[object] = []
    with contextlib.suppress(ReadError):
        records.extend(read_reports(path))
    assert all(isinstance(record, Report | Rejected) for record in records)
