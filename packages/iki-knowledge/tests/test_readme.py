"""The README shows what the commands print and what the code does."""

import re
import shlex
from pathlib import Path

import pytest
from iki_knowledge.cli import app
from iki_knowledge.coverage import coverage
from typer.testing import CliRunner

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text("utf-8")
CONSOLE = re.findall(r"```console\n\$ (.+)\n((?:.*\n)*?)```", TEXT)


@pytest.mark.parametrize(("command", "shown"), CONSOLE, ids=[command for command, _ in CONSOLE])
def test_a_command_prints_what_the_readme_shows(command, shown):
    program, *args = shlex.split(command)
    assert program == "iki"
    # typer writes colours whatever the terminal when one of these is set, as CI services do.
    forcing = dict.fromkeys(("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"))
    runner = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", **forcing})
    done = runner.invoke(app, args, prog_name="iki")
    assert done.exit_code == 0, done.output
    printed = "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip()
    assert printed == shown.strip()


def test_there_is_an_example_of_every_command():
    shown = {
        "--help", "resolve", "show", "list", "nearest", "infer", "diff"
    }  # fmt: skip
    assert {command.split()[1] for command, _ in CONSOLE} == shown
    for command in ("validate", "export", "coverage"):
        assert f"`iki {command}" in TEXT


def test_the_example_runs_and_its_comments_hold():
    example = re.search(r"```python\n(.*?)```", TEXT, re.S)
    assert example is not None
    names: dict[str, object] = {}
    exec(example.group(1), names)
    for line in example.group(1).splitlines():
        call, _, comment = line.partition("#")
        if call.startswith("kb.") and comment:
            start, _, _ = comment.strip().strip("'").partition("...")
            shown = str(eval(call, names)) if "Finding(" not in comment else repr(eval(call, names))
            assert start.rstrip(", ").strip() in shown


def test_the_figures_are_those_of_the_data(kb):
    assert coverage(kb) in TEXT
    assert f"# {len(kb)} categories x {len(kb.attributes)} attributes" in TEXT
    assert f"from a paraphrase among all {len(kb)} (MiniLM)" in TEXT
