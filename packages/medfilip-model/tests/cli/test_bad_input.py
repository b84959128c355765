"""What goes wrong where a good run lies: one clear line, exit code 2, and the run is intact."""

import csv
import errno
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from medfilip_model import cli, load_model
from medfilip_model.builders import BuildOptions, build_folder
from medfilip_model.checkpoint import LAST
from medfilip_model.config import (
    DataConfig,
    ModelConfig,
    OptimConfig,
    TargetConfig,
    TrainConfig,
)
from medfilip_model.progress import Silent
from medfilip_model.recipes import RECIPES
from medfilip_model.training import loop, train
from typer.testing import CliRunner, Result


@pytest.fixture(scope="module")
def once(folder: Path, tiny_model_config: ModelConfig, tmp_path_factory) -> TrainConfig:
    """A run of one epoch."""
    config = TrainConfig(
        recipe="tiny",
        out=tmp_path_factory.mktemp("good") / "run",
        epochs=1,
        batch=16,
        precision="fp32",
        trackers=(),
        data=DataConfig(folder=folder),
        model=tiny_model_config,
        targets=TargetConfig(encoder="lexical"),
        optim=OptimConfig(lr=3e-3),
    )
    train(config)
    return config


@pytest.fixture
def good(once: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    """A copy of it, in the folder that `medfilip-train` writes to."""
    shutil.copytree(once.out, tmp_path / "run")
    config = once.replace(out=tmp_path / "run")
    monkeypatch.setitem(RECIPES, "phantom", lambda: config)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return config


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def medfilip_train(*words: object) -> Result:
    return CliRunner().invoke(cli.train_app, [str(word) for word in words])


@pytest.fixture
def inputs(good: TrainConfig, tmp_path: Path, kb, write_findings) -> dict[str, Callable[[], Path]]:
    """Each of the files that cannot be used, made when it is asked for."""
    assert good.data.folder is not None
    source = good.data.folder

    def ids_of_others() -> Path:
        return write_findings({"s1": [{"category": "mass"}], "s2": []})

    def torn_patient() -> Path:
        shutil.copytree(source, tmp_path / "torn")
        path = tmp_path / "torn" / "manifest.csv"
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        rows[-1]["patient_id"] = rows[0]["patient_id"]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path.parent

    def cut_shard() -> Path:
        out = tmp_path / "set"
        build_folder(source, out, kb, options=BuildOptions(size=32, workers=1), listener=Silent())
        path = next((out / "shards").glob("train-*.arrow"))
        path.write_bytes(path.read_bytes()[:-100])
        return out

    def pickled() -> Path:
        path = tmp_path / "tower.pt"
        path.write_bytes(pickle.dumps({"conv": print}))
        return path

    return {
        "others.jsonl": ids_of_others,
        "torn": torn_patient,
        "cut": cut_shard,
        "tower.pt": pickled,
    }


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        (("--findings", "others.jsonl"), ("no report_id", "'s1', 's2'", "'im-000'")),
        (("--data", "torn"), ("patient 'p0'", "'train'", "'valid'")),
        (("--data", "cut"), ("is cut short", "copy or prepare it again")),
        (("--set", "model.image.weights=tower.pt"), ("tower.pt", "is a pickle")),
        (("--epochs", "3"), ("holds a run of other settings (epochs: 1, now 3)", "--out")),
        (("--encoder", "hf:nobody/nothing"), ("nobody/nothing",)),
        (("--set", "model.image.weights=pretrained"), ("test_resnet", "HF_HUB_OFFLINE")),
        (
            ("--set", "model.text={kind='hf', name='nobody/nothing', weights='pretrained'}"),
            ("nobody/nothing", "HF_HUB_OFFLINE"),
        ),
    ],
    ids=["ids", "patient", "shard", "pickle", "config", "encoder", "image hub", "text hub"],
)
def test_what_cannot_be_used_is_told_in_a_line_and_the_run_is_intact(
    good: TrainConfig, inputs, words: tuple[str, str], messages: tuple[str, ...]
):
    before = content(good.out)
    option, value = words
    for name, make in inputs.items():
        value = value.replace(name, str(make())) if name in value else value
    anew = () if option == "--epochs" else ("--no-resume",)
    ran = medfilip_train(option, value, *anew)
    assert ran.exit_code == 2, ran.output
    told = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert len(told) == 1
    for message in messages:
        assert message in told[0]
    assert content(good.out) == before


def test_a_pickle_in_the_place_of_the_weights_is_not_loaded(good: TrainConfig):
    weights = next((good.out / LAST).glob("model-*.safetensors"))
    weights.write_bytes(pickle.dumps({"a": print}))
    ran = medfilip_train()
    assert ran.exit_code == 2
    assert f"{weights.name}' is damaged" in ran.stderr


def test_a_loss_that_is_no_number_names_the_batch(good: TrainConfig, monkeypatch):
    step = loop.train_step

    def breaks(*arguments):
        loss, asked = step(*arguments)
        return loss * float("nan"), asked

    monkeypatch.setattr(loop, "train_step", breaks)
    before = content(good.out)
    ran = medfilip_train("--no-resume")
    assert ran.exit_code == 2
    assert "error: the loss is nan at epoch 1 step 1: " in ran.stderr
    assert ran.stderr.count("'im-") == 16
    assert content(good.out) == before


def test_a_full_disk_keeps_the_earlier_checkpoint(good: TrainConfig, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = content(good.out)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        # Without soft targets no bank of embeddings is written, whose own disk would be full.
        ran = medfilip_train("--no-resume", "--set", "targets.kind=identity")
    assert ran.exit_code == 2
    assert "no space left" in ran.stderr
    assert "the earlier checkpoint, if there is one, is untouched" in ran.stderr
    assert content(good.out) == before
    assert load_model(good.out).encode_text(["mass"]).isfinite().all()
