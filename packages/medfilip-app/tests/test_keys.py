import os
from dataclasses import replace
from pathlib import Path

import pytest
from medfilip_app import keys
from medfilip_app.keys import file_state, model_key
from medfilip_app.loaded import Loaded, load


def test_the_key_of_a_run_is_that_of_what_it_answers(loaded: Loaded, run: Path):
    assert model_key(load(run)) == model_key(loaded)
    assert loaded.calibration is not None
    refitted = loaded.calibration.model_copy(update={"normal": "lungs are clear"})
    others = [
        replace(loaded, calibration=None),
        replace(loaded, calibration=refitted),
        replace(loaded, trained_on="more"),
        replace(loaded, phantom=False),
        replace(loaded, kb=replace(loaded.kb, version="other")),
        load(run),
    ]
    # The same weights may read images of another size.
    larger = others[-1].model
    larger.config = larger.config.model_copy(update={"size": 64})
    assert len({model_key(loaded), *map(model_key, others)}) == 7


@pytest.mark.parametrize("version", ["DECODER_VERSION", "SCHEMA_VERSION"])
def test_what_another_version_answered_has_another_key(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch, version: str
):
    before = model_key(loaded)
    monkeypatch.setattr(keys, version, 99)
    assert model_key(loaded) != before


def test_a_file_that_changed_has_another_state(tmp_path: Path):
    path = tmp_path / "a.png"
    states = [file_state(path)]
    for content, moment in ((b"a", 1), (b"b", 2), (b"bb", 2)):
        path.write_bytes(content)
        os.utime(path, (moment, moment))
        states.append(file_state(path))
    assert len(set(states)) == 4
    os.utime(path, ns=(5, 2_000_000_001))
    assert file_state(path) not in states
