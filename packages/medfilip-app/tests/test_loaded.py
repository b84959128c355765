from pathlib import Path

import pytest
from iki_knowledge import load_knowledge
from medfilip_app.errors import AppError
from medfilip_app.loaded import load
from medfilip_model.errors import CheckpointError


def test_a_run_says_what_it_was_trained_on(run: Path):
    loaded = load(run)
    assert loaded.name == "tiny"
    assert loaded.trained_on == "64 phantoms, 2 epochs"
    assert loaded.phantom
    assert not loaded.model.training
    assert loaded.calibration is not None
    assert loaded.calibration.images == 72
    assert loaded.kb.version == load_knowledge().version


def test_a_run_is_named_by_its_folder_wherever_one_stands(
    run: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(run)
    assert load(Path()).name == "tiny"


def test_a_run_without_records_is_not_taken_for_one_of_phantoms(bare: Path):
    loaded = load(bare)
    assert loaded.calibration is None
    assert not loaded.phantom


def test_what_is_no_run_is_refused(tmp_path: Path):
    with pytest.raises(CheckpointError, match="holds no complete checkpoint"):
        load(tmp_path)


def test_a_device_that_is_not_there_is_told_in_a_line(run: Path):
    with pytest.raises(AppError, match="device 'abacus' cannot be used, take 'cpu': ") as told:
        load(run, device="abacus")
    assert "\n" not in str(told.value)
