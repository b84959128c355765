"""A benchmark that is killed goes on when started again, to the figures of one that was not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from medfilip_bench import BenchConfig, run_all
from medfilip_bench.profiles import PROFILES

TASKS = ("zero_shot-mimic_16-phantom", "retrieval-mimic_multi-phantom", "probe-rsna-phantom")
TRAIN = 60
# The command line, with a probe that trains on few phantoms: drawing the profile's 1,000 takes most
# of the time and is the same loop.
COMMAND = f"""
from medfilip_bench.cli import app
from medfilip_bench.profiles import PROFILES
PROFILES["quick"] = PROFILES["quick"].model_copy(update={{"probe_train": {TRAIN}}})
app()
"""
WORDS = (
    "all", "--model", "random", "--n", "60", "--reference", "random",
    *(word for task in TASKS for word in ("--task", task)),
)  # fmt: skip


def figures(results: Path) -> dict[str, dict]:
    """Everything in the records but when and how long."""
    found = {}
    for path in sorted((results / "random").glob("*.json")):
        found[path.name] = json.loads(path.read_text(encoding="utf-8"))
        del found[path.name]["provenance"]
    return found


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *WORDS],
        cwd=folder,
        env={**os.environ, "MEDFILIP_CACHE": str(folder / "cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def kill(folder: Path, when: Callable[[], bool]) -> None:
    """Start a run and kill it, with all its processes, as soon as something holds."""
    process = start(folder)
    until = time.monotonic() + 240
    while not when():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict]:
    """The figures of a run that nothing stops."""
    few = PROFILES["quick"].model_copy(update={"probe_train": TRAIN})
    monkeypatch.setattr("medfilip_bench.setup.PROFILES", {"quick": few})
    monkeypatch.setenv("MEDFILIP_CACHE", str(tmp_path / "cache of the whole"))
    out = tmp_path / "whole"
    config = BenchConfig(model="random", n=60, references=("random",), tasks=TASKS, out=out)
    assert not run_all(config).failures
    return figures(out)


def test_killed_twice_and_started_again_it_gives_the_same_figures(
    whole: dict[str, dict], tmp_path: Path
):
    folder = tmp_path / "killed"
    folder.mkdir()
    cache, results = folder / "cache", folder / "results" / "random"

    def records() -> list[Path]:
        return list(results.glob("*.json"))

    # While the first images are drawn or encoded, and between the first task and the last.
    kill(folder, cache.is_dir)
    assert not records()
    kill(folder, lambda: bool(records()))
    assert len(records()) < len(TASKS)
    again = start(folder)
    _, said = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert figures(folder / "results") == whole
    assert len(whole) == len(TASKS)
    leftovers = [path.name for path in (folder / "results").rglob("*.tmp")]
    assert not [name for name in leftovers if not name.startswith(".")]
