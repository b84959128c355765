"""Exit codes, one clear line for every bad input, and help as the README prints it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from medfilip_bench.cli import app
from typer.testing import CliRunner

README = Path(__file__).parents[1] / "README.md"
RUNNER = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})


def small(*options):
    return ["all", "--model", "random", "--n", "20", *map(str, options)]


def test_all_prints_paths_and_a_short_table(tmp_path):
    result = RUNNER.invoke(app, small("--out", tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "published (other data)" in result.stdout
    assert "Zero-shot, multi label" in result.stdout
    assert f"{tmp_path}/out/report.html" in result.stdout
    assert (tmp_path / "out" / "random" / "unseen.json").is_file()
    printed = RUNNER.invoke(app, small("--out", tmp_path / "out", "--json"))
    assert json.loads(printed.stdout)[0]["task"] == "extraction"
    again = RUNNER.invoke(app, ["report", str(tmp_path / "out")])
    assert again.stdout.splitlines() == [
        str(tmp_path / "out" / "report.md"),
        str(tmp_path / "out" / "report.html"),
    ]


@pytest.mark.usefixtures("no_figures")
def test_unreadable_images_exit_1_and_are_named(tmp_path, folder):
    (folder / "images" / "007.png").write_bytes(b"no image")
    result = RUNNER.invoke(app, small("--out", tmp_path / "out", "--data", folder))
    assert result.exit_code == 1
    assert "1 images could not be read and were left out: '007.png'" in result.stderr
    assert (tmp_path / "out" / "random" / "folder.json").is_file()


BAD = {
    "missing folder": (lambda p, f: p / "nowhere", "nowhere"),
    "no manifest": (lambda p, f: (f / "manifest.csv").unlink() or f, "manifest.csv"),
    "empty manifest": (lambda p, f: ((f / "manifest.csv").write_text("") and f) or f, "'file'"),
    "missing column": (
        lambda p, f: (f / "manifest.csv").write_text("file,patient_id\n000.png,1\n") and f,
        "no column 'finding_labels'",
    ),
    "unknown label": (
        lambda p, f: (f / "manifest.csv").write_text("file,finding_labels\n000.png,Mss\n") and f,
        "did you mean 'Mass'",
    ),
    "not UTF-8": (lambda p, f: (f / "manifest.csv").write_bytes(b"file\xff\n") and f, "UTF-8"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_folder_that_cannot_be_used_is_one_line_and_exit_2(case, tmp_path, folder):
    make, words = BAD[case]
    path = make(tmp_path, folder)
    result = RUNNER.invoke(app, small("--out", tmp_path / "out", "--data", path))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["all", "--model", "randm"], "did you mean 'random'?"),
        (["all", "--model", "run:nowhere"], "nowhere"),
        (["report", "nowhere"], "no results folder 'nowhere'"),
    ],
)
def test_unknown_names_are_one_line_and_exit_2(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("*.*"))


@pytest.mark.parametrize("arguments", [["all", "--frobnicate"], ["al"], ["all", "--n", "3"]])
def test_usage_errors_exit_2(arguments):
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_an_output_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    result = RUNNER.invoke(app, small("--out", tmp_path / "file" / "out"))
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path}/file/out: Not a directory\n"


def test_list_in_the_readme_is_what_is_printed():
    assert RUNNER.invoke(app, ["list"]).stdout.strip() in README.read_text(encoding="utf-8")


def test_list_names_every_task_and_model():
    printed = RUNNER.invoke(app, ["list"]).stdout
    listed = json.loads(RUNNER.invoke(app, ["list", "--json"]).stdout)
    for name in [task["name"] for task in listed["tasks"]] + list(listed["models"]):
        assert f"  {name}" in printed


@pytest.mark.parametrize("command", [[], ["all"], ["list"], ["report"]])
def test_help_stands_in_the_readme(command):
    shown = RUNNER.invoke(app, [*command, "--help"], prog_name="medfilip-bench").stdout
    lines = [line.rstrip() for line in shown.strip().splitlines()]
    assert "\n".join(lines).strip() in README.read_text(encoding="utf-8")


def test_help_starts_without_torch():
    code = "import sys, medfilip_bench.cli; print('torch' in sys.modules)"
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.strip() == "False"
    assert time.perf_counter() - begin < 5
