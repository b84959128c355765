import json
from pathlib import Path

from gpt_ie.cli import app
from typer.testing import CliRunner


def run(*args: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, result.stderr


def test_show_prints_what_a_model_is_sent(tmp_path: Path):
    report = tmp_path / "r.txt"
    report.write_text("Left effusion.", "utf-8")
    code, stdout, _ = run("prompt", "show", "paper", "--report", report)
    assert code == 0
    assert stdout.startswith("prompt paper@")
    assert "\n--- system\n" in stdout
    assert "\n--- user\n" in stdout
    assert "Left effusion." in stdout
    messages = json.loads(run("prompt", "show", "default", "--json")[1])
    assert [message["role"] for message in messages] == ["system", "user"]


def test_a_prompt_of_one_s_own_is_checked_with_its_line(tmp_path: Path):
    mine = tmp_path / "mine.md"
    mine.write_text(
        "---\nname: mine\nversion: 1.0.0\nformat: json\n---\n# System\nList.\n# User\n{reprot}\n"
    )
    code, stdout, stderr = run("prompt", "show", mine)
    assert (code, stdout) == (2, "")
    assert f"{mine}:9: unknown placeholder 'reprot'; did you mean 'report'?" in stderr
