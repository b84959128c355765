"""The program as a whole."""

from gpt_ie.cli import app
from typer.testing import CliRunner


def test_version():
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "gpt-ie 0.1.0\n", "")


def test_no_command_is_help():
    result = CliRunner().invoke(app, [])
    assert "[OPTIONS] COMMAND [ARGS]" in result.output
    for command in ("extract", "explain", "evaluate", "view", "prompt", "batch", "sample"):
        assert f"\n  {command} " in result.output
