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

pytestmark = pytest.mark.usefixtures("few_trained")
README = Path(__file__).parents[1] / "README.md"
RUNNER = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})


def small(*options, task="zero_shot-cxr"):
    # One reference that costs nothing: the usual ones are large.
    words = ["all", "--model", "random", "--n", "20", "--reference", "random", "--task", task]
    return [*words, *map(str, options)]


def test_all_prints_paths_and_a_short_table(tmp_path):
    words = small("--out", tmp_path / "out", task="zero_shot-mimic_*-phantom")
    result = RUNNER.invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "published (other data)" in result.stdout
    assert "Zero-shot" in result.stdout
    assert f"{tmp_path}/out/report.html" in result.stdout
    name = "zero_shot-mimic_multi-phantom"
    assert (tmp_path / "out" / "random" / f"{name}.json").is_file()
    printed = RUNNER.invoke(app, [*words, "--json"])
    assert name in [record["task"] for record in json.loads(printed.stdout)]
    again = RUNNER.invoke(app, ["report", str(tmp_path / "out")])
    assert again.stdout.splitlines() == [
        str(tmp_path / "out" / name) for name in ("report.html", "report.md", "results.json")
    ]


@pytest.mark.usefixtures("no_figures")
def test_unreadable_images_exit_1_and_are_named(tmp_path, folder):
    (folder / "images" / "017.png").write_bytes(b"no image")
    result = RUNNER.invoke(app, small("--out", tmp_path / "out", "--data", folder))
    assert result.exit_code == 1
    assert "1 images could not be read and were left out: '017.png'" in result.stderr
    assert (tmp_path / "out" / "random" / "zero_shot-cxr.json").is_file()


def forms(results):
    """A report's files and what they hold."""
    written = [*results.glob("report.*"), results / "results.json", *results.glob("latex/*")]
    return {path: path.read_bytes() for path in written if path.is_file()}


@pytest.mark.usefixtures("no_figures")
def test_a_report_written_again_is_what_all_wrote(tmp_path, folder):
    (folder / "manifest.csv").write_text("file,finding_labels\n000.png,Mss\n", encoding="utf-8")
    out = tmp_path / "out"
    words = small("--out", out, "--data", folder, task="extraction-mimic_multi-phantom")
    # One that fails, for its labels, and one that is passed over: there is nothing to train on.
    words += ["--task", "zero_shot-cxr", "--task", "segmentation-siim-phantom"]
    assert RUNNER.invoke(app, words).exit_code == 1
    before = forms(out)
    page = (out / "report.md").read_text(encoding="utf-8")
    assert "zero_shot-cxr: " in page
    assert "segmentation-siim-phantom: the model 'random' has no trainable backbone" in page
    for path in before:
        if path.name != "results.json":
            path.unlink()
    assert RUNNER.invoke(app, ["report", str(out)]).exit_code == 0
    assert forms(out) == before
    (out / "results.json").write_text("{", encoding="utf-8")
    refused = RUNNER.invoke(app, ["report", str(out)])
    assert refused.exit_code == 2
    assert f"{out}/results.json" in refused.stderr
    assert refused.stderr.count("\n") == 1


# What is wrong with a folder: the other tasks go on, and it is named.
BAD = {
    "empty manifest": (lambda f: (f / "manifest.csv").write_text(""), "'file'"),
    "missing column": (
        lambda f: (f / "manifest.csv").write_text("file,patient_id\n000.png,1\n"),
        "no column 'finding_labels'",
    ),
    "unknown label": (
        lambda f: (f / "manifest.csv").write_text("file,finding_labels\n000.png,Mss\n"),
        "did you mean 'Mass'",
    ),
    "not UTF-8": (lambda f: (f / "manifest.csv").write_bytes(b"file\xff\n"), "UTF-8"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.usefixtures("no_figures")
def test_a_folder_that_cannot_be_read_fails_alone_and_exits_1(case, tmp_path, folder):
    spoil, words = BAD[case]
    spoil(folder)
    phantom = "extraction-mimic_multi-phantom"
    result = RUNNER.invoke(
        app, small("--out", tmp_path / "out", "--data", folder, "--task", phantom)
    )
    assert result.exit_code == 1
    said = [line for line in result.stderr.splitlines() if line.startswith("task 'zero_shot-cxr'")]
    assert said
    assert words in said[-1]
    assert (tmp_path / "out" / "random" / f"{phantom}.json").is_file()
    assert words in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["all", "--model", "randm"], "did you mean 'random' or"),
        (["all", "--model", "run:nowhere"], "nowhere"),
        (["all", "--data", "nowhere"], "no folder 'nowhere'"),
        (["all", "--data", "."], "no known data set in '.'"),
        (["all", "--task", "zero_shot-rnsa-phantom"], "did you mean 'zero_shot-rsna-phantom'"),
        (["show", "zero_shot-rnsa"], "did you mean 'zero_shot-rsna'"),
        (["report", "nowhere"], "no results folder 'nowhere'"),
        (["compare", "nowhere/a", "nowhere/b"], "nowhere/a"),
        (["data", "check", "nowhere"], "nowhere"),
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
    words = small("--out", tmp_path / "file" / "out", task="extraction-mimic_multi-phantom")
    result = RUNNER.invoke(app, words)
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path}/file/out: Not a directory\n"


def test_list_in_the_readme_is_what_is_printed():
    assert RUNNER.invoke(app, ["list"]).stdout.strip() in README.read_text(encoding="utf-8")


def test_list_names_every_task_and_model():
    printed = RUNNER.invoke(app, ["list"]).stdout
    listed = json.loads(RUNNER.invoke(app, ["list", "--json"]).stdout)
    for name in [task["name"] for task in listed["tasks"]] + list(listed["models"]):
        assert f"  {name}" in printed


def test_show_tells_what_is_pinned_of_every_task():
    for task in json.loads(RUNNER.invoke(app, ["list", "--json"]).stdout)["tasks"]:
        shown = json.loads(RUNNER.invoke(app, ["show", task["name"], "--json"]).stdout)
        for key in ("question", "source", "licence", "citation", "access", "splits", "classes"):
            assert shown[key], (task["name"], key)
    text = RUNNER.invoke(app, ["show", "zero_shot-siim-phantom"]).stdout
    assert "train-rle.csv" in text
    assert "This is an X-ray image of pneumothorax." in text


COMMANDS = ([], ["all"], ["list"], ["show"], ["report"], ["compare"], ["data"], ["data", "check"])


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
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
