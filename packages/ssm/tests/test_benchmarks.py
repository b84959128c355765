"""Each benchmark runs, at a size at which its figures mean nothing."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a script as one is run, in this process, which has imported what takes seconds."""
    threads = torch.get_num_threads()

    def in_process(script, *options):
        monkeypatch.syspath_prepend(FOLDER)
        monkeypatch.setattr(sys, "argv", [script, *options])
        runpy.run_path(str(FOLDER / script), run_name="__main__")
        return capsys.readouterr().out

    yield in_process
    torch.set_num_threads(threads)


def test_targets(run):
    tiny = "--unique 60 --images 3 --labels 9 --layers 1 --hidden 24 --repeats 3 --larger 2x5"
    out = run("targets.py", *tiny.split(), "--device", "cpu")
    assert "3 images, 9 labels of" in out
    assert "| `bank.targets` |" in out
    assert "\n| 2 | 5 |" in out


def test_bank(run):
    out = run("bank.py", "--texts", "50")
    assert "| 1,000,000 look-ups |" in out


def test_memory():
    # In a process of its own, whose memory it measures.
    options = ["--texts", "200", "--owners", "4", "--dim", "8", "--pool", "max"]
    command = [sys.executable, FOLDER.joinpath("memory.py"), *options]
    out = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout
    assert set(json.loads(out)) == {"peak", "seconds", "mean"}


def test_spread(run, tmp_path):
    table = tmp_path / "texts.csv"
    rows = [f"a {colour} {thing},{thing}" for thing in ("dog", "cat") for colour in "abcdef"]
    table.write_text("text,category\n" + "\n".join(rows) + "\n", encoding="utf-8")
    figure = tmp_path / "figure.png"
    out = run("spread.py", str(table), "--encoder", "minilm", "--out", str(figure))
    assert "| whiten |" in out
    assert figure.stat().st_size > 1000


def test_every_benchmark_is_run_here():
    here = Path(__file__).read_text(encoding="utf-8")
    scripts = [path.name for path in FOLDER.glob("*.py") if "__main__" in path.read_text("utf-8")]
    assert [name for name in scripts if f'("{name}"' not in here] == []
