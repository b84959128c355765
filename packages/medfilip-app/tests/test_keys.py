import os
from dataclasses import replace
from pathlib import Path

from medfilip_app.keys import file_state, model_key
from medfilip_app.loaded import Loaded, load


def test_the_key_of_a_run_is_that_of_what_it_answers(loaded: Loaded, run: Path):
    assert model_key(load(run)) == model_key(loaded)
    others = [
        replace(loaded, calibration=None),
        replace(loaded, trained_on="more"),
        replace(loaded, phantom=False),
        load(run),
    ]
    # The same weights may read images of another size.
    larger = others[-1].model
    larger.config = larger.config.model_copy(update={"size": 64})
    assert len({model_key(loaded), *map(model_key, others)}) == 5


def test_a_file_that_changed_has_another_state(tmp_path: Path):
    path = tmp_path / "a.png"
    states = [file_state(path)]
    for content, moment in ((b"a", 1), (b"b", 2), (b"bb", 2)):
        path.write_bytes(content)
        os.utime(path, (moment, moment))
        states.append(file_state(path))
    assert len(set(states)) == 4
