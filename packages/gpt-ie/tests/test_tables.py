import csv
import sys
from pathlib import Path

import pytest
from gpt_ie.schema import Evidence, ExtractedFinding, ReportFindings
from gpt_ie.store import StoreError
from gpt_ie.tables import COLUMNS, TableError, write_table

TEXT = 'Large "mass",\nleft 😀 =1+1'
FULL = ExtractedFinding(
    category="mass",
    severity="large",
    side="left",
    region="upper",
    trend="new",
    surface="mass",
    evidence=Evidence(section="findings", start=3, end=3 + len(TEXT), text=TEXT),
)
BARE = ExtractedFinding(
    category="nodule", presence="absent", surface="", evidence=None, unsupported="no_evidence"
)


def record(name: str, *findings: ExtractedFinding) -> ReportFindings:
    return ReportFindings(report_id=name, engine="e@1", knowledge="0.2.0", findings=findings)


@pytest.fixture
def findings(tmp_path: Path) -> Path:
    path = tmp_path / "x.findings.jsonl"
    records = [record("a", FULL, BARE), record("b"), record("c", BARE)]
    path.write_text("".join(f"{one.model_dump_json()}\n" for one in records))
    return path


PLACE = ("findings", 3, 3 + len(TEXT), TEXT)
EXPECTED = [
    ["a", "mass", "present", "large", "left", "upper", "new", "mass", *PLACE, None, "e@1", "0.2.0"],
    ["a", "nodule", "absent", *[None] * 4, "", *[None] * 4, "no_evidence", "e@1", "0.2.0"],
    ["c", "nodule", "absent", *[None] * 4, "", *[None] * 4, "no_evidence", "e@1", "0.2.0"],
]


def test_csv_has_one_finding_a_row(findings: Path):
    out = findings.with_name("x.csv")
    summary = write_table(findings, out)
    assert (summary.reports, summary.rows, summary.without_findings) == (3, 3, 1)
    with out.open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream)
    assert head == list(COLUMNS)
    assert rows == [["" if cell is None else str(cell) for cell in row] for row in EXPECTED]


def test_parquet_keeps_null_and_numbers(findings: Path):
    pq = pytest.importorskip("pyarrow.parquet")
    out = findings.with_name("x.PARQUET")
    write_table(findings, out)
    table = pq.read_table(out)
    assert table.column_names == list(COLUMNS)
    assert [list(row.values()) for row in table.to_pylist()] == EXPECTED


def test_parquet_is_written_batch_by_batch(findings: Path, monkeypatch: pytest.MonkeyPatch):
    pq = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("gpt_ie.tables._BATCH", 2)
    out = findings.with_name("x.parquet")
    write_table(findings, out)
    assert pq.ParquetFile(out).num_row_groups == 2
    assert pq.read_table(out).num_rows == 3


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_no_finding_at_all_is_an_empty_table(tmp_path: Path, ending: str):
    path, out = tmp_path / "x.jsonl", tmp_path / f"x.{ending}"
    path.write_text(f"{record('a').model_dump_json()}\n")
    assert write_table(path, out).rows == 0
    if ending == "csv":
        assert out.read_text() == ",".join(COLUMNS) + "\n"
    else:
        pq = pytest.importorskip("pyarrow.parquet")
        assert pq.read_table(out).column_names == list(COLUMNS)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_bad_input_leaves_the_earlier_table(findings: Path, ending: str):
    out = findings.with_name(f"x.{ending}")
    write_table(findings, out)
    before = out.read_bytes()
    findings.write_text(findings.read_text() + "{broken\n")
    with pytest.raises(StoreError, match="line 4"):
        write_table(findings, out)
    assert out.read_bytes() == before
    assert sorted(path.name for path in out.parent.iterdir()) == sorted([findings.name, out.name])


def test_what_cannot_be_written(findings: Path):
    with pytest.raises(TableError, match=r"ends in '.xlsx'; a table ends in .csv or .parquet"):
        write_table(findings, findings.with_name("x.xlsx"))
    with pytest.raises(TableError, match="No such file"):
        write_table(findings, findings.parent / "no" / "x.csv")
    findings.with_name("x.csv").write_text("an earlier table")
    with pytest.raises(StoreError, match="cannot read"):
        write_table(findings.with_name("gone.jsonl"), findings.with_name("x.csv"))
    odd = findings.rename(findings.with_name("x.csv"))
    with pytest.raises(TableError, match="is the input itself"):
        write_table(odd, odd)


def test_without_pyarrow_the_extra_is_named(findings: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TableError, match=r"gpt-ie\[parquet\]"):
        write_table(findings, findings.with_name("x.parquet"))
