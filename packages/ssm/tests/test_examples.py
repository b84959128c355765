import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"


def test_captions(minilm, capsys):
    share = runpy.run_path(str(FOLDER / "captions.py"))["main"]()
    assert share > 0.9
    assert capsys.readouterr().out.startswith("encoder minilm: loss ")


def test_captions_before_training():
    """The share is earned: without a step it is chance, one in six."""
    assert runpy.run_path(str(FOLDER / "captions.py"))["main"]("lexical", steps=1) < 0.6


@pytest.mark.slow
def test_open_clip_loop(capsys):
    pytest.importorskip("open_clip", reason="the example needs open_clip")
    before, after = runpy.run_path(str(FOLDER / "open_clip_loop.py"))["main"]()
    assert before < 0.25  # chance is one in twelve
    assert after > 0.7
    printed = capsys.readouterr().out.splitlines()
    losses = [float(line.split()[-1]) for line in printed if line.startswith("step")]
    assert losses[-1] < losses[0] - 1
    assert printed[-1].startswith("encoder minilm: right caption ")
