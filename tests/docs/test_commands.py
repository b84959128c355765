"""Every command of the READMEs and of the documentation runs: each page is followed as it stands.

``commands.toml`` has a line for each command of each page; one that is not there fails. A command
runs as it is, or as that line says: with options that make it small, against a server of this
machine in place of another, by another test that is named, or, with a reason, not at all. What the
page shows as its output is compared where the command runs as it is.
"""

import contextlib
import csv
import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from headless import CHROMIUM
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
TABLE: Mapping[str, Any] = tomllib.loads(
    Path(__file__).with_name("commands.toml").read_text("utf-8")
)
PLAIN = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
PAGES = (ROOT / "README.md", *ROOT.glob("packages/*/README.md"), *(ROOT / "docs").rglob("*.md"))
# What each page finds in its folder, beside the clone's packages and examples.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "README.md": ("run", "FOLDER", "ROOT", "IMAGE.png", "REPORT.txt", "repository"),
    "docs/howto/mimic.md": ("mimic",),
    "docs/howto/ray.md": ("reports",),
    "packages/gpt-ie/README.md": ("reports", "report.txt"),
    "packages/medfilip-model/README.md": ("run", "IMAGE.png"),
}


def page_names() -> list[str]:
    return sorted(
        str(page.relative_to(ROOT))
        for page in PAGES
        if re.search("```(bash|console)\n", page.read_text("utf-8"))
    )


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Callable[[str, Path], None]:
    """Put what a page needs into its folder."""

    def put(what: str, folder: Path) -> None:
        target = folder / what
        target.parent.mkdir(parents=True, exist_ok=True)
        if what == "chromium":
            if not CHROMIUM.exists():
                pytest.skip(f"{CHROMIUM} is not installed")
        elif what == "repository":
            subprocess.run(["git", "init", "--quiet", folder], check=True)
        elif what == "mimic":
            write = request.getfixturevalue("write_mimic")
            write(folder / "mimic-cxr-jpg", folder / "reports", 80)
        elif what == "run":
            shutil.copytree(request.getfixturevalue("small_run"), folder / "runs" / "phantom")
        else:
            write_phantoms(what, target, request.getfixturevalue("phantoms"))

    return put


def write_phantoms(what: str, target: Path, phantoms: Path) -> None:
    """What a page needs of the phantoms, or all of them under that name."""
    if what == "reports":
        shutil.copyfile(phantoms / "reports.csv", target.with_name("reports.csv"))
    elif what.lower() == "report.txt":
        target.write_text("FINDINGS: Small left pleural effusion. No pneumothorax.\n")
    elif what == "IMAGE.png":
        shutil.copyfile(phantoms / "images" / "phantom-000001.png", target)
    elif what == "nih":
        write_nih(phantoms / "images", target)
    else:
        shutil.copytree(phantoms, target / "mine" if what == "ROOT" else target)


def write_nih(images: Path, folder: Path) -> None:
    """Phantoms as the two sets of ChestX-ray14, all in the first, with each label in every fold."""
    labels = ("Effusion", "Cardiomegaly", "Effusion|Cardiomegaly", "No Finding")
    shutil.copytree(images, folder / "nih_cxr14_64" / "images")
    for name, count in (("nih_cxr14_64", 40), ("nih_cxr14_320", 0)):
        (folder / name).mkdir(exist_ok=True)
        with (folder / name / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "image_index", "finding_labels", "patient_id"])
            for number, image in enumerate(sorted(images.iterdir())[:count]):
                writer.writerow([image.name, image.name, labels[number % 4], number])


def in_process(words: list[str], code: int) -> str:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name=words[0])
    runner = CliRunner(env={**PLAIN, **dict.fromkeys(("FORCE_COLOR", "PY_COLORS"))})
    done = runner.invoke(script.load(), words[1:], prog_name=words[0])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


def in_a_process(words: list[str], code: int) -> str:
    program = Path(sys.executable) if words[0] == "python" else SCRIPTS / words[0]
    known = program if program.exists() else words[0]
    done = subprocess.run(
        [known, *words[1:]],
        env={
            **os.environ, **PLAIN, "OMP_NUM_THREADS": "1", "RAY_AUTH_MODE": "disabled",
            "RAY_USAGE_STATS_ENABLED": "0",
        },
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == code, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def changed(command: str, how: Mapping[str, Any], server: str) -> list[str]:
    """The words that run: of the page's command, with what its line in the table changes."""
    for old, new in how.get("swap", {}).items():
        assert old in command, f"{old!r} is not in {command!r}"
        command = command.replace(old, new)
    line = f"{command} {how.get('add', '')}".format(server=server, **TABLE["small"])
    words = shlex.split(line)
    while "=" in words[0]:
        words = words[1:]
    return words[2:] if words[:2] == ["uv", "run"] else words


def runs_here(how: Mapping[str, Any]) -> bool:
    return not {"not_run", "run_by"} & set(how)


def unwritten(how: Mapping[str, Any]) -> list[str]:
    files = map(Path, how.get("writes", ()))
    return [str(file) for file in files if not file.is_file() or not file.stat().st_size]


def run(command: str, how: Mapping[str, Any], server: str, run_page: ModuleType) -> str:
    words = changed(command, how, server)
    if words[:2] == ["medfilip-app", "serve"]:
        return run_page.serve(shlex.join([str(SCRIPTS / words[0]), *words[1:]]), Path.cwd())
    ours = words[0].split("-")[0] in ("gpt", "iki", "ssm", "medfilip")
    if ours:
        return in_process(words, how.get("code", 0))
    return in_a_process(words, how.get("code", 0))


@pytest.mark.parametrize("name", page_names())
def test_every_command_has_a_line_and_every_line_a_command(name: str, run_page: ModuleType):
    page = (ROOT / name).read_text("utf-8")
    shown = [step.text for step in run_page.steps(page) if step.kind == "command"]
    known = TABLE["page"].get(name, {})
    assert [command for command in shown if command not in known] == []
    assert [command for command in known if command not in shown] == []


@pytest.mark.parametrize("name", page_names())
def test_a_page_is_followed(
    name: str,
    run_page: ModuleType,
    make: Callable[[str, Path], None],
    server: str,
    cache: Path,
    pictures: ModuleType,
    looks_like: Callable[[Path, str], bool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("MEDFILIP_CACHE", str(cache))
    for shared in ("packages", "examples"):
        (tmp_path / shared).symlink_to(ROOT / shared)
    for what in NEEDS.get(name, ()):
        make(what, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    how, printed = {}, ""
    with contextlib.chdir(tmp_path):
        for step in run_page.steps((ROOT / name).read_text("utf-8")):
            if step.kind == "file":
                Path(step.name).write_text(step.text, encoding="utf-8")
            elif step.kind == "command":
                how = TABLE["page"][name][step.text]
                if runs_here(how):
                    printed = run(step.text, how, server, run_page)
                    assert unwritten(how) == []
            elif not how:
                assert run_page.differences(step.text, printed) == []
    if name == "docs/tutorial.md":
        pictures.take_over(tmp_path, tmp_path / "taken")
        assert looks_like(tmp_path / "taken", "pictures/tutorial_phantoms.png")


def test_the_hooks_that_are_installed_are_well_formed():
    in_a_process(["prek", "validate-config", str(ROOT / "prek.toml")], 0)


def inline_commands() -> set[str]:
    """Those in the running text and the tables of all pages."""
    found: set[str] = set()
    for page in PAGES:
        text = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.M | re.S)
        found |= {" ".join(words.split()) for words in re.findall(r"`(uv run [^`]+)`", text)}
    return found


def test_every_command_between_words_has_a_line_and_every_line_a_command():
    in_blocks = {command for page in TABLE["page"].values() for command in page}
    assert inline_commands() - in_blocks == set(TABLE["inline"])


@pytest.mark.parametrize("command", [c for c, how in TABLE["inline"].items() if runs_here(how)])
def test_a_command_between_words_runs(
    command: str,
    run_page: ModuleType,
    make: Callable[[str, Path], None],
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("MEDFILIP_CACHE", str(cache))
    how = TABLE["inline"][command]
    (tmp_path / "packages").symlink_to(ROOT / "packages")
    for what in how.get("needs", ()):
        make(what, tmp_path)
    with contextlib.chdir(tmp_path):
        printed = run(command, how, "", run_page)
        assert how["prints"] in printed
        assert not re.search("^error:", printed, re.MULTILINE)
        assert unwritten(how) == []


def lines_with(key: str) -> list[tuple[str, Any]]:
    return [
        (command, how[key])
        for page in (*TABLE["page"].values(), TABLE["inline"])
        for command, how in page.items()
        if key in how
    ]


def test_what_is_not_run_is_little_and_has_its_reason():
    reasons = dict(lines_with("not_run"))
    assert len(reasons) <= 7
    assert all(len(reason) > 20 for reason in reasons.values())


@pytest.mark.parametrize(
    ("test", "words"), sorted({tuple(where) for _, where in lines_with("run_by")})
)
def test_what_another_test_runs_stands_there(test: str, words: str):
    assert words in (ROOT / test).read_text("utf-8")
