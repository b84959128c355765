import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gpt_ie.cli import app
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


def test_explain_shows_what_fired():
    code, stdout, _ = run("explain", "No effusion. Evaluate for pneumonia.")
    assert code == 0
    rows = [line.split("  ") for line in stdout.splitlines()]
    assert [row[0] for row in rows] == ["surface", "effusion", "pneumonia"]
    assert "absent" in stdout
    assert "not asserted" in stdout
    assert "evaluate for" in stdout
    code, stdout, _ = run("explain", "Small left effusion.", "--json")
    (row,) = json.loads(stdout)
    assert (row["category"], row["severity"], row["trigger"]) == ("pleural_effusion", "small", None)
    assert run("explain", "Nothing.") == (0, "nothing that the dictionary knows\n", "")


def test_version():
    assert run("--version") == (0, "gpt-ie 0.1.0\n", "")


def test_sample_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, stdout, stderr = run("sample", "openi", "--out", tmp_path / "x.csv")
    assert (code, stdout) == (2, "")
    assert "gpt-ie[openi]" in stderr
    assert not list(tmp_path.iterdir())


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
