import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from medfilip_model import cli
from medfilip_model.checkpoint import LAST
from medfilip_model.config import TrainConfig
from medfilip_model.recipes import RECIPES
from PIL import Image
from typer.testing import CliRunner

README = Path(__file__).parents[2] / "README.md"
PLAIN = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    for name, value in PLAIN.items():
        monkeypatch.setenv(name, value)
    return CliRunner()


@pytest.fixture
def tiny_recipe(tiny_config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    """`medfilip-train` starts from the tiny config."""
    monkeypatch.setitem(RECIPES, "phantom", lambda: tiny_config)
    return tiny_config


@pytest.mark.parametrize(
    ("command", "app", "arguments"),
    [
        ("medfilip-train --help", cli.train_app, ["--help"]),
        ("medfilip --help", cli.app, ["--help"]),
        ("medfilip recipes --help", cli.app, ["recipes", "--help"]),
        ("medfilip prepare --help", cli.app, ["prepare", "--help"]),
        *(
            (f"medfilip prepare {kind} --help", cli.app, ["prepare", kind, "--help"])
            for kind in ("mimic-cxr", "hub", "folder", "phantom", "verify")
        ),
        ("medfilip phantom --help", cli.app, ["phantom", "--help"]),
        ("medfilip predict --help", cli.app, ["predict", "--help"]),
        ("medfilip export --help", cli.app, ["export", "--help"]),
    ],
)
def test_the_readme_shows_the_help(runner: CliRunner, command, app, arguments):
    name = command.split()[0]
    result = runner.invoke(app, arguments, prog_name=name)
    assert result.exit_code == 0
    shown = re.search(
        rf"^\$ {re.escape(command)}\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S
    )
    assert shown, f"README.md does not show {command!r}"

    def lines(text: str) -> list[str]:
        return [line.rstrip() for line in text.strip().splitlines()]

    assert lines(shown[1]) == lines(result.stdout)


def test_train_prints_the_score_of_each_class(runner: CliRunner, tiny_recipe: TrainConfig):
    result = runner.invoke(cli.train_app, ["--epochs", "1", "--seed", "4"])
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["mass", "pleural_effusion"]
    assert re.fullmatch(r"macro AUC +[01]\.\d{3}", lines[2])
    assert f"{tiny_recipe.out} written in" in lines[3]
    assert "targets by lexical" in lines[3]
    assert "epoch 1/1" in result.stderr
    written = json.loads((tiny_recipe.out / "config.json").read_text())["config"]
    assert (written["epochs"], written["seed"]) == (1, 4)


def test_train_takes_its_options(
    runner: CliRunner, tiny_recipe: TrainConfig, folder: Path, tmp_path: Path, write_findings
):
    found = {f"im-{n:03}": [{"category": "nodule"}] for n in range(96)}
    result = runner.invoke(
        cli.train_app,
        [
            *("--findings", str(write_findings(found)), "--data", str(folder)),
            *("--out", str(tmp_path / "other"), "--epochs", "1", "--encoder", "lexical"),
            *("--loss", "official", "--workers", "1"),
        ],
    )
    assert result.exit_code == 0, result.stderr
    written = json.loads((tmp_path / "other" / "config.json").read_text())
    assert written["config"]["loss"]["variant"] == "official"
    assert written["resolved"]["classes"] == ["nodule"]
    assert "undefined (no positive or no negative)" in result.stdout


def test_train_exits_with_one_when_an_image_was_skipped(
    runner: CliRunner, tiny_recipe: TrainConfig, folder: Path, tmp_path: Path
):
    shutil.copytree(folder, tmp_path / "set")
    (tmp_path / "set" / "images" / "im-005.png").write_bytes(b"broken")
    result = runner.invoke(cli.train_app, ["--data", str(tmp_path / "set"), "--epochs", "1"])
    assert result.exit_code == 1
    assert "skipped im-005.png: not an image of a known format" in result.stderr
    assert "1 images could not be read" in result.stderr
    assert (tiny_recipe.out / LAST / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "absent"], "error: cannot read 'absent/manifest.csv': No such file"),
        (["--findings", "absent.jsonl"], "error: cannot read the findings file 'absent.jsonl'"),
        (["--encoder", "lexicla"], "error: unknown encoder 'lexicla'"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    runner: CliRunner, tiny_recipe: TrainConfig, arguments: list[str], message: str
):
    result = runner.invoke(cli.train_app, arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(message)
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tiny_recipe.out / LAST).exists()


@pytest.mark.parametrize(
    ("app", "arguments"),
    [
        (cli.train_app, ["--epoch", "3"]),
        (cli.train_app, ["--epochs", "0"]),
        (cli.train_app, ["--loss", "papper"]),
        (cli.app, ["phantom"]),
        (cli.app, ["phantom", "--out", "x", "--size", "8"]),
        (cli.app, ["predict"]),
        (cli.app, ["pretrain"]),
    ],
)
def test_a_wrong_option_is_a_usage_error(runner: CliRunner, app, arguments: list[str]):
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    assert "Error" in result.stderr


def test_phantom_writes_images_and_a_sheet(runner: CliRunner, tmp_path: Path):
    out = tmp_path / "ph"
    arguments = ["phantom", "--n", "3", "--out", str(out), "--size", "64", "--workers", "1"]
    result = runner.invoke(cli.app, arguments)
    assert result.exit_code == 0, result.stderr
    assert len(list((out / "images").glob("*.png"))) == 3
    with Image.open(out / "contact_sheet.png") as sheet:
        assert min(sheet.size) >= 64
    assert f"3 images in {out}" in result.stdout
    assert runner.invoke(cli.app, ["phantom", "--out", str(Path(__file__))]).exit_code == 2


def test_help_does_not_wait_for_torch():
    """Which modules are loaded, not how long it takes: a loaded machine would decide otherwise."""
    code = (
        "import sys; from typer.testing import CliRunner; from medfilip_model import cli\n"
        "for app in (cli.app, cli.train_app):\n"
        "    assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "print([m for m in ('torch', 'timm', 'numpy', 'transformers') if m in sys.modules])"
    )
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert time.perf_counter() - begin < 30
