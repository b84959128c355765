import runpy
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "examples"


def test_captions(minilm, capsys):
    share = runpy.run_path(str(FOLDER / "captions.py"))["main"]()
    assert share > 0.9
    assert capsys.readouterr().out.startswith("encoder minilm: loss ")


def test_captions_before_training():
    """The share is earned: without a step it is chance, one in six."""
    assert runpy.run_path(str(FOLDER / "captions.py"))["main"]("lexical", steps=1) < 0.6
