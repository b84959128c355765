from dataclasses import replace

from medfilip_app.loaded import Loaded
from medfilip_app.page.header import header


def test_it_says_who_answers_and_that_it_is_not_for_patients(loaded: Loaded):
    html = header(loaded)
    for words in ("Not for clinical use", "tiny", "64 phantoms, 2 epochs", loaded.kb.version):
        assert words in html
    assert "says nothing about patients" in html
    assert "without calibration" not in html


def test_a_run_on_images_is_not_called_a_phantom(loaded: Loaded):
    html = header(replace(loaded, phantom=False, calibration=None, name="<b>x"))
    assert "phantom result" not in html
    assert "without calibration" in html
    assert "<b>x" not in html
    assert "Not for clinical use" in html
