"""Runs of the ablation: one that is finished is taken from wherever it was trained."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from iki_knowledge import load_knowledge
from medfilip_bench.learning.ablated import is_run_of, step_config, trained
from medfilip_bench.profiles import PROFILES
from medfilip_model import TrainConfig, recipes
from medfilip_model.checkpoint import LAST, load_checkpoint
from medfilip_model.config import ImageTowerConfig, TextTowerConfig
from medfilip_model.progress import Silent

KB = load_knowledge()


@pytest.fixture(scope="module")
def profile():
    return PROFILES["quick"].model_copy(update={"ablation_train": 24, "ablation_epochs": 1})


@pytest.fixture(scope="module")
def base():
    return TrainConfig().replace(
        batch=12,
        trackers=(),
        data__valid=8,
        data__workers=1,
        model__size=32,
        model__embed=8,
        model__image=ImageTowerConfig(channels=(8, 8, 8, 8)).model_dump(),
        model__text=TextTowerConfig(width=16, heads=2, layers=1).model_dump(),
        targets__encoder="lexical",
    )


@pytest.fixture(scope="module")
def run(base, profile, cache, tmp_path_factory):
    """A run of one row, trained in a folder that is not asked about later."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDFILIP_CACHE", str(cache))
        config = step_config("entity", 1, base, profile, folder)
        assert not is_run_of(config, KB)
        assert trained(config, KB, folder, Silent()) == config.out
    return config.out


class Heard(Silent):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def test_a_row_is_the_recipe_with_the_profiles_schedule(base, profile):
    config = step_config("ssm", 2, base, profile, Path("runs"))
    recipe = recipes.ablation("ssm", base)
    assert config.out == Path("runs/ssm-seed2")
    assert (config.seed, config.epochs, config.data.train) == (2, 1, 24)
    assert (config.data.template, config.targets.kind) == ("triplet", "ssm")
    assert config.loss == recipe.loss
    full = step_config("iki", 0, recipes.phantom(), PROFILES["full"], Path("runs"))
    assert full == recipes.ablation("iki").replace(out=full.out, seed=0)


def test_a_run_is_taken_wherever_it_was_trained(run, base, profile, tmp_path, monkeypatch):
    config = step_config("entity", 1, base, profile, tmp_path)
    shutil.copytree(run, config.out)
    assert is_run_of(config, KB)
    monkeypatch.setattr("medfilip_bench.learning.ablated.train_on_reports", None)
    assert trained(config, KB, tmp_path, Silent()) == config.out
    # Workers change nothing but the time.
    assert is_run_of(config.replace(data__workers=2), KB)


@pytest.mark.parametrize(
    "change", [{"seed": 2}, {"epochs": 2}, {"data__train": 25}, {"data__template": "triplet"}]
)
def test_a_run_of_other_settings_is_not(run, base, profile, tmp_path, change):
    config = step_config("entity", 1, base, profile, tmp_path).replace(**change)
    config = config.replace(out=run)
    assert not is_run_of(config, KB)


def test_a_run_that_was_stopped_or_damaged_is_not(run, base, profile, tmp_path):
    config = step_config("entity", 1, base, profile, tmp_path)
    shutil.copytree(run, config.out)
    manifest = config.out / LAST / "manifest.json"
    whole = manifest.read_text(encoding="utf-8")
    manifest.write_text(whole.replace('"finished": true', '"finished": false'), encoding="utf-8")
    assert manifest.read_text(encoding="utf-8") != whole
    assert not is_run_of(config, KB)
    manifest.write_text(whole, encoding="utf-8")
    assert is_run_of(config, KB)
    weights = next(config.out.glob("checkpoints/last/model*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-8])
    assert not is_run_of(config, KB)


@pytest.mark.parametrize(("findings", "same"), [("elsewhere.jsonl", True), (None, False)])
def test_a_run_that_read_no_reports_is_not(run, base, profile, monkeypatch, findings, same):
    whole = load_checkpoint(run)
    settings = whole.config["config"]
    settings = settings | {"data": settings["data"] | {"findings": findings}}
    changed = replace(whole, config=whole.config | {"config": settings})
    monkeypatch.setattr("medfilip_bench.learning.ablated.load_checkpoint", lambda _: changed)
    assert is_run_of(step_config("entity", 1, base, profile, run.parent), KB) == same


def test_a_run_of_another_dictionary_is_replaced(run, base, profile, tmp_path, monkeypatch):
    config = step_config("entity", 1, base, profile, tmp_path)
    shutil.copytree(run, config.out)
    other = replace(KB, version="0.0.1")
    assert not is_run_of(config, other)
    called = []
    monkeypatch.setattr(
        "medfilip_bench.learning.ablated.train_on_reports",
        lambda asked, kb, folder, listener: called.append(asked.out.exists()) or asked.out,
    )
    heard = Heard()
    trained(config, other, tmp_path, heard)
    assert called == [False]
    assert heard.notes[-1] == "entity-seed1 is trained anew: its dictionary was another"
