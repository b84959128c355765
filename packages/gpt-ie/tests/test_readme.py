"""The README's help texts are those of the commands, and its Python example does what it says."""

import re
from pathlib import Path

import pytest
from gpt_ie.cli import app
from typer.testing import CliRunner

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"<!-- help: gpt-ie(?P<name>[a-z ]*) -->\n```text\n(?P<help>.*?)```", re.DOTALL)
BLOCKS = [
    (match["name"].strip(), match["help"]) for match in BLOCK.finditer(README.read_text("utf-8"))
]


def test_every_command_is_in_the_readme():
    assert [name for name, _ in BLOCKS] == [
        "", "extract", "explain", "evaluate", "view", "prompt show", "prompt try", "batch write",
        "batch read", "sample openi",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "written"), BLOCKS)
def test_help(name: str, written: str):
    result = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}).invoke(
        app, [*name.split(), "--help"], prog_name="gpt-ie"
    )
    assert result.exit_code == 0
    assert result.stdout.rstrip() == written.rstrip()


def test_the_python_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    example = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert example is not None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports.csv").write_text("report_id,findings\na,Small effusion.\nb,\n")
    exec(compile(example[1], "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    told = [line[2:] for line in example[1].splitlines() if line.startswith("# ")]
    assert printed == [*told, "2 1 1", "a 1"]
