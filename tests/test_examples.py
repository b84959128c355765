"""The examples stay short; the pages of docs/howto run them."""

from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_a_model_of_a_strangers_own_is_short():
    source = (EXAMPLES / "own_model.py").read_text(encoding="utf-8")
    assert len([line for line in source.splitlines() if line.strip()]) < 20
