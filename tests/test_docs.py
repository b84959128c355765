"""What the documents show must work: commands, options, links."""

import re
import shlex
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [ROOT / "README.md", *ROOT.glob("packages/*/README.md"), *ROOT.glob("docs/**/*.md")]
)
SCRIPTS = Path(sysconfig.get_path("scripts"))
OURS = {
    "gpt-ie", "iki", "ssm", "medfilip", "medfilip-app", "medfilip-bench", "medfilip-train"
}  # fmt: skip
TOOLS = {"accelerate", "pytest", "python", "ruff", "basedpyright", "lint-imports", "prek"}


def shown_commands(document: Path) -> list[list[str]]:
    """Every `uv run …` line of a document's code blocks, split into words."""
    blocks = re.findall(
        r"```(?:bash|console|sh|text)?\n(.*?)```", document.read_text("utf-8"), re.S
    )
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    commands = [line.removeprefix("$ ").strip() for line in lines]
    return [
        shlex.split(command, comments=True)[2:]
        for command in commands
        if command.startswith("uv run ")
    ]


@cache
def help_text(*words: str) -> str:
    done = subprocess.run(
        [SCRIPTS / words[0], *words[1:], "--help"],
        capture_output=True,
        text=True,
        env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "PATH": ""},
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(words)} --help: {done.stderr}"
    return done.stdout


COMMANDS = [
    pytest.param(words, id=f"{document.relative_to(ROOT)}: {shlex.join(words)}")
    for document in DOCUMENTS
    for words in shown_commands(document)
]


def test_documents_show_commands():
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("words", COMMANDS)
def test_shown_command_exists_with_its_options(words: list[str]):
    program, *rest = words
    assert program in OURS | TOOLS
    if program in TOOLS:
        scripts = [word for word in rest if word.endswith(".py")]
        assert all((ROOT / script).is_file() for script in scripts)
        return
    path = [program]
    # Words up to the first argument are subcommands as long as the help lists them.
    for word in rest:
        if word.startswith("-") or not re.search(
            rf"^\W*{re.escape(word)}\s", help_text(*path), re.M
        ):
            break
        path.append(word)
    for option in (word for word in rest if word.startswith("--")):
        assert re.search(rf"(?<!\S){re.escape(option)}\b", help_text(*path)), f"no {option}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path):
    for target in re.findall(r"\]\(([^)#\s]+)", document.read_text("utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{target} does not exist"
