"""A MIMIC-CXR-JPG tree from its reports to a model, as credentialed users have it; of phantoms."""

import json
from collections.abc import Callable
from contextlib import chdir
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import Result
from medfilip_model import load_model
from typer.testing import CliRunner

STUDIES = 48
# The paper's recipe for two cores: everything that costs is made small, the method is left alone.
SHRUNK = (
    "model.size=32",
    "model.embed=32",
    "model.image.kind=timm",
    "model.image.name=test_resnet",
    "model.image.weights=none",
    "model.text.kind=clip",
    "model.text.name=none",
    "model.text.weights=none",
    "model.text.width=32",
    "model.text.layers=1",
    "batch=8",
)


def call(cwd: Path, *words: object, code: int = 0) -> Result:
    """Run a command in this process: what it imports is here already."""
    (script,) = entry_points(group="console_scripts", name=str(words[0]))
    with chdir(cwd):
        done = CliRunner().invoke(script.load(), [str(word) for word in words[1:]])
    assert done.exit_code == code, f"{words}: {done.exit_code}\n{done.output}\n{done.exception!r}"
    return done


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, write_mimic: Callable[[Path, Path, int], None]
) -> Path:
    """The tree with findings that gpt-ie read in its reports, and the set prepared from both."""
    place = tmp_path_factory.mktemp("mimic")
    write_mimic(place / "mimic-cxr-jpg", place / "reports", STUDIES)
    call(place, "gpt-ie", "extract", "reports", "--out", "findings.jsonl")
    options = ("--subset", "full", "--size", 48, "--reports", "reports", "--workers", 1)
    made = ("--findings", "findings.jsonl", "--out", "set")
    call(place, "medfilip", "prepare", "mimic-cxr", "mimic-cxr-jpg", *made, *options)
    return place


def test_every_frontal_image_has_what_was_read_in_its_report(place: Path):
    read = [json.loads(line) for line in (place / "findings.jsonl").read_text().splitlines()]
    assert len(read) == STUDIES
    told = json.loads((place / "set" / "dataset.json").read_text(encoding="utf-8"))
    assert told["images"] == STUDIES, "one frontal film a study"
    assert told["patients"] == {"train": 16, "valid": 4, "test": 4}
    shown = {
        (record["report_id"], finding["category"])
        for record in read
        for finding in record["findings"]
        if finding["presence"] == "present"
    }
    assert sum(sum(own.values()) for own in told["counts"].values()) == len(shown)


def test_the_recipe_of_the_paper_trains_on_it(place: Path):
    settings = [word for setting in SHRUNK for word in ("--set", setting)]
    words = ("--recipe", "paper", "--data", "set", "--encoder", "lexical", "--epochs", 2)
    done = call(place, "medfilip-train", *words, *settings, "--workers", 1)
    assert "macro AUC" in done.stdout
    record = json.loads((place / "runs" / "paper" / "config.json").read_text(encoding="utf-8"))
    assert record["config"]["optim"]["schedule"] == "restarts"
    assert record["config"]["data"]["template"] == "paper"
    assert record["resolved"]["images"] == "mimic-full"
    assert 30 <= record["resolved"]["train"] <= 32, "all but studies where nothing was certain"
    assert load_model(place / "runs" / "paper").encode_text(["pneumonia"]).shape == (1, 32)


def test_reports_of_other_studies_are_refused(place: Path):
    """The findings file of another tree: no report id is a study of this one."""
    lines = (place / "findings.jsonl").read_text(encoding="utf-8").replace('"s50414', '"s60414')
    (place / "others.jsonl").write_text(lines, encoding="utf-8")
    words = ("--findings", "others.jsonl", "--out", "other")
    done = call(place, "medfilip", "prepare", "mimic-cxr", "mimic-cxr-jpg", *words, code=2)
    assert "error: " in done.stderr
    assert "s60414267" in done.stderr
    assert "s50414267" in done.stderr
    assert not (place / "other" / "dataset.json").exists()
