import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gpt_ie import pipeline, ray_run
from gpt_ie.cli import app
from gpt_ie.schema import Rejected
from gpt_ie.summary import ExtractionSummary
from typer.testing import CliRunner

runner = CliRunner()
GOOD = [["a", "Small left effusion.", "No pneumothorax."], ["b", "Mild edema.", ""]]
OLD = b'{"old": true}\n'


def read_lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def run(*args: str | Path) -> tuple[int, str, str]:
    result = runner.invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, result.stderr


def test_extract_writes_beside_the_input_and_prints_a_table(write_csv: Callable[..., Path]):
    path = write_csv(GOOD)
    code, stdout, stderr = run("extract", path)
    assert (code, stderr) == (0, "")
    lines = [json.loads(line) for line in read_lines(path.with_name("reports.findings.jsonl"))]
    assert [line["report_id"] for line in lines] == ["a", "b"]
    assert [finding["category"] for finding in lines[0]["findings"]] == [
        "pleural_effusion",
        "pneumothorax",
    ]
    rows = [line.split() for line in stdout.splitlines()]
    assert rows[0] == ["category", "reports", "present", "uncertain", "absent"]
    assert ["pleural_effusion", "1", "1", "0", "0"] in rows
    assert ["pneumothorax", "1", "0", "0", "1"] in rows
    assert stdout.splitlines()[-2].startswith("2 reports (0 failed), 3 findings, ")
    assert sorted(item.name for item in path.parent.iterdir()) == [
        "reports.csv",
        "reports.findings.jsonl",
    ]


def test_json_is_one_object_on_stdout(write_csv: Callable[..., Path], tmp_path: Path):
    out = tmp_path / "mine.jsonl"
    code, stdout, _ = run("extract", write_csv(GOOD), "--out", out, "--json")
    summary = json.loads(stdout)
    assert code == 0
    assert summary["out"] == str(out)
    assert (summary["reports"], summary["failed"], summary["findings"]) == (2, 0, 3)
    assert summary["by_category"]["pulmonary_edema"] == {
        "present": 1, "uncertain": 0, "absent": 0, "reports": 1
    }  # fmt: skip


def test_columns_can_be_mapped(write_csv: Callable[..., Path]):
    path = write_csv([["1", "k", "A nodule."]], header=["x", "key", "body"])
    assert run("extract", path, "--id", "key", "--text", "body")[0] == 0
    (line,) = path.with_name("reports.findings.jsonl").read_text().splitlines()
    assert json.loads(line)["findings"][0]["evidence"]["section"] == "text"


def test_failed_reports_are_told_and_kept_with_the_reason(write_csv: Callable[..., Path]):
    path = write_csv([*GOOD, ["c", " ", ""], ["a", "Mass.", ""], ["", "Mass.", ""], ["d", "x"]])
    code, stdout, stderr = run("extract", path)
    assert code == 1
    assert "6 reports (4 failed)" in stdout
    assert "failed: 'c' (row 4): the report is empty" in stderr
    assert "'a' of row 5 was already in row 2" in stderr
    assert "a row without id (row 6)" in stderr
    failed = path.with_name("reports.findings.failed.jsonl")
    assert stderr.splitlines()[-1].startswith(f"4 of 6 reports failed; they are in {failed}")
    reasons = [json.loads(line) for line in read_lines(failed)]
    assert [(row["report_id"], row["row"]) for row in reasons] == [
        ("c", 4), ("a", 5), (None, 6), ("d", 7)
    ]  # fmt: skip
    assert len(path.with_name("reports.findings.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("content", "options", "parts"),
    [
        (b"", (), ["reports.csv", "empty"]),
        (b"findings,impression\na,b\n", (), ["report's id", "'findings', 'impression'", "--id"]),
        (b"id,words\na,b\n", (), ["the text", "'id', 'words'", "--text"]),
        (b"id,text\na,b\n", ("--text", "tex"), ["'tex'", "did you mean 'text'"]),
        (b"id,text\na,b\n", ("--id", "key"), ["'key'", "--id", "'id', 'text'"]),
        (b"id,text\na,Good effusion.\nb,caf\xe9\n", (), ["line 3", "byte 30", "0xe9", "iconv"]),
        (b'id,text\na,Good effusion.\nb,"open\n', (), ["line 3", "quote"]),
        (b"id,text\n", (), ["no report"]),
    ],
)
def test_bad_input_is_one_line_exit_2_and_the_old_output_stays(
    tmp_path: Path, content: bytes, options: tuple[str, ...], parts: list[str]
):
    path = tmp_path / "reports.csv"
    path.write_bytes(content)
    out = tmp_path / "reports.findings.jsonl"
    failed = tmp_path / "reports.findings.failed.jsonl"
    out.write_bytes(OLD)
    failed.write_bytes(OLD)
    code, stdout, stderr = run("extract", path, *options)
    assert (code, stdout) == (2, "")
    assert stderr.startswith("error: ")
    assert len(stderr.splitlines()) == 1
    for part in parts:
        assert part in stderr
    assert out.read_bytes() == failed.read_bytes() == OLD
    assert path.read_bytes() == content


def test_what_was_read_before_a_bad_byte_is_not_extracted_again(tmp_path: Path):
    path = tmp_path / "reports.csv"
    path.write_bytes(b"id,text\na,Good effusion.\nb,caf\xe9 nodule\n")
    assert run("extract", path)[0] == 2
    path.write_bytes("id,text\na,Good effusion.\nb,café nodule\n".encode())
    code, stdout, _ = run("extract", path)
    assert code == 0
    assert "1 of them taken over" in stdout
    assert sorted(item.name for item in tmp_path.iterdir()) == [
        "reports.csv",
        "reports.findings.jsonl",
    ]


def test_paths_that_cannot_be(write_csv: Callable[..., Path], tmp_path: Path):
    path = write_csv(GOOD)
    before = path.read_bytes()
    for args, part in (
        ((path.with_name("report.csv"),), "did you mean 'reports.csv'"),
        ((tmp_path,), "is a folder"),
        ((path, "--out", path), "is the file of reports itself"),
        ((path, "--out", tmp_path), "is a folder"),
        ((path, "--out", tmp_path / "no" / "x.jsonl"), "make it first"),
    ):
        code, stdout, stderr = run("extract", *args)
        assert (code, stdout) == (2, "")
        assert part in stderr
        assert len(stderr.splitlines()) == 1
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["reports.csv"]


def test_an_unknown_option_names_it(write_csv: Callable[..., Path]):
    code, _, stderr = run("extract", write_csv(GOOD), "--txt", "findings")
    assert code == 2
    assert "--txt" in stderr
    assert "--text" in stderr


def test_no_report_text_in_messages(write_csv: Callable[..., Path]):
    path = write_csv([["a", "Zebrafinch effusion.", ""], ["a", "Zebrafinch.", ""]])
    _, stdout, stderr = run("extract", path)
    assert "zebrafinch" not in (stdout + stderr).lower()
    assert "Zebrafinch" not in path.with_name("reports.findings.failed.jsonl").read_text()


def test_the_output_of_a_folder_stands_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.txt").write_text("A mass.", "utf-8")
    assert run("extract", folder)[0] == 0
    assert (tmp_path / "notes.findings.jsonl").is_file()
    monkeypatch.chdir(folder)
    code, stdout, _ = run("extract", ".")
    assert code == 0
    (written,) = [line for line in stdout.splitlines() if line.startswith("written to ")]
    assert Path(written.removeprefix("written to ")).is_file()
    deep = folder / "x" / "y"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert run("extract", "../..")[0] == 0
    assert [path.suffix for path in deep.iterdir()] == [".jsonl"], "not in a folder of others"


def test_reports_from_stdin_need_a_name_for_the_output(tmp_path: Path):
    code, stdout, stderr = run("extract", "-")
    assert (code, stdout, stderr) == (2, "", "error: reports from stdin need --out\n")
    out = tmp_path / "x.jsonl"
    given = '{"id": "a", "text": "A mass."}\n'
    result = runner.invoke(app, ["extract", "-", "--out", str(out)], input=given)
    assert result.exit_code == 0
    assert json.loads(out.read_text("utf-8"))["report_id"] == "a"


def test_sections_can_be_chosen(write_csv: Callable[..., Path]):
    path = write_csv(GOOD)
    assert run("extract", path, "--sections", "impression")[0] == 1
    (line,) = read_lines(path.with_name("reports.findings.jsonl"))
    assert [found["category"] for found in json.loads(line)["findings"]] == ["pneumothorax"]


def test_a_run_cut_off_is_not_taken_up_when_that_is_refused(tmp_path: Path):
    path = tmp_path / "reports.csv"
    for options, taken in (((), True), (("--no-resume",), False)):
        path.write_bytes(b"id,text\na,Good effusion.\nb,caf\xe9 nodule\n")
        assert run("extract", path)[0] == 2
        path.write_bytes("id,text\na,Good effusion.\nb,café nodule\n".encode())
        code, stdout, _ = run("extract", path, *options)
        assert code == 0
        assert ("taken over" in stdout) == taken


def test_only_what_failed_is_extracted_again(write_csv: Callable[..., Path]):
    path = write_csv([*GOOD, ["c", " ", ""]])
    assert run("extract", path)[0] == 1
    out = path.with_name("reports.findings.jsonl")
    before = out.read_bytes()
    code, stdout, _ = run("extract", path, "--retry-failed")
    assert code == 1
    assert "3 reports (1 failed, 2 of them taken over" in stdout
    assert out.read_bytes() == before
    out.unlink()
    code, _, stderr = run("extract", path, "--retry-failed")
    assert code == 2
    assert "only the failures of a finished run" in stderr


def test_both_tables_are_written_and_told(write_csv: Callable[..., Path], tmp_path: Path):
    csv, parquet = tmp_path / "t.csv", tmp_path / "t.parquet"
    code, stdout, _ = run("extract", write_csv(GOOD), "--csv", csv, "--parquet", parquet)
    assert code == 0
    assert stdout.splitlines()[-2:] == [f"written to {csv}", f"written to {parquet}"]
    assert len(read_lines(csv)) == 4
    assert parquet.read_bytes()[:4] == b"PAR1"


@pytest.mark.parametrize("ray", [False, True])
def test_what_drives_the_run_is_told_all_of_it(
    write_csv: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ray: bool
):
    told: dict[str, object] = {}

    def record(*_: object, **settings: object) -> ExtractionSummary:
        told.update(settings)
        rows = tuple(Rejected(str(row), row, "no text") for row in range(5))
        return ExtractionSummary(
            out=tmp_path / "x", failed_out=tmp_path / "f", engine="e@1", reports=60, failed=7,
            findings=0, unsupported=0, resumed=0, seconds=2.0, by_category={}, first_failures=rows,
        )  # fmt: skip

    monkeypatch.setattr(
        ray_run if ray else pipeline, "extract_on_ray" if ray else "extract", record
    )
    code, stdout, stderr = run(
        "extract", write_csv(GOOD), "--workers", "3", "--concurrency", "5", *["--ray"][:ray]
    )
    assert code == 1
    assert (told["workers"], told["concurrency"], told["resume"]) == (3, 5, True)
    assert "60 reports (7 failed), 0 findings, 30 reports/s, engine e@1" in stdout
    assert "… and 2 more\n7 of 60 reports failed" in stderr


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_run_resumed_gives_the_same_bytes(write_csv: Callable[..., Path], tmp_path: Path):
    rows = [
        [f"r{number}", f"Small left effusion {number} cm. No pneumothorax. Heart normal.", ""]
        for number in range(4000)
    ]
    rows[7][1] = ""
    path = write_csv(rows)
    out, whole = tmp_path / "x.findings.jsonl", tmp_path / "whole.jsonl"
    out.write_bytes(OLD)
    command = [sys.executable, "-m", "gpt_ie", "extract", str(path), "--out", str(out)]
    partial = tmp_path / "x.findings.jsonl.partial"
    size = 0
    for _ in range(2):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)
        )
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if partial.exists() and partial.stat().st_size > size + 50_000:
                break
            time.sleep(0.002)
        assert process.poll() is None, "it must be killed while it works"
        process.kill()
        process.wait()
        assert out.read_bytes() == OLD, "the old output stays until the new one is complete"
        size = partial.stat().st_size
    code, stdout, _ = run("extract", path, "--out", out)
    assert code == 1
    assert "taken over from a run cut off" in stdout
    assert run("extract", path, "--out", whole)[0] == 1
    assert out.read_bytes() == whole.read_bytes()
    assert len(out.read_bytes().splitlines()) == 3999
    assert not partial.exists()
