import json
from pathlib import Path

import pytest
from medfilip_model.checkpoint import LAST, save_checkpoint
from medfilip_model.cli import app
from medfilip_model.cli.export import Target
from medfilip_model.export import KINDS
from medfilip_model.model import MedFILIP
from typer.testing import CliRunner


@pytest.fixture
def run(tiny_model: MedFILIP, tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "run" / LAST, tiny_model.eval(), {}, {})
    return tmp_path / "run"


def test_the_kinds_are_those_of_the_library():
    assert [target.value for target in Target] == list(KINDS)


def test_it_says_what_was_written_and_how_far_it_is_from_torch(run: Path, tmp_path: Path):
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["export", str(run), "--to", "hub-folder", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{out}: README.md, config.json, export.json, model.safetensors")
    assert "image vectors            differs from torch by 0.0e+00 at most" in done.stdout
    arguments = ["export", str(run), "--to", "hub-folder", "--out", str(out), "--json"]
    told = json.loads(CliRunner().invoke(app, arguments).stdout)
    assert told["kind"] == "hub-folder"
    assert told["folder"] == str(out)
    assert [check["part"] for check in told["checks"]] == ["image vectors", "text vectors"]


def test_a_foreign_folder_is_a_usage_error(run: Path, tmp_path: Path):
    (tmp_path / "mine.txt").write_text("x")
    arguments = ["export", str(run), "--to", "timm", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --out ")
    assert "which no export wrote" in done.stderr
    assert CliRunner().invoke(app, ["export", str(run), "--to", "x", "--out", "y"]).exit_code == 2


def test_no_run(tmp_path: Path):
    arguments = ["export", str(tmp_path / "no"), "--to", "timm", "--out", str(tmp_path / "o")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "does not exist; train one with" in done.stderr
