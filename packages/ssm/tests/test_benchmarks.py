"""Each benchmark runs, at a size at which its figures mean nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "benchmarks"


def run(script, *options):
    command = [sys.executable, str(FOLDER / script), *options]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_targets():
    tiny = "--unique 60 --images 3 --labels 9 --layers 1 --hidden 24 --repeats 3 --larger 2x5"
    out = run("targets.py", *tiny.split(), "--device", "cpu")
    assert "3 images, 9 labels of" in out
    assert "| `bank.targets` |" in out
    assert "\n| 2 | 5 |" in out


def test_bank():
    out = run("bank.py", "--texts", "50")
    assert "| 1,000,000 look-ups |" in out


def test_memory():
    out = run("memory.py", *["--texts", "200", "--owners", "4", "--dim", "8", "--pool", "max"])
    assert set(json.loads(out)) == {"peak", "seconds", "mean"}


def test_spread(tmp_path):
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
    assert [name for name in scripts if f'run("{name}"' not in here] == []
