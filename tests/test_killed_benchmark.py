"""A benchmark that is killed goes on when started again, to the figures of one that was not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from medfilip_bench import BenchConfig, run_all
from medfilip_bench.profiles import PROFILES

SCRIPT = Path(__file__).with_name("forked_benchmark.py")
TASKS = ("zero_shot-mimic_16-phantom", "retrieval-mimic_multi-phantom", "probe-rsna-phantom")
TRAIN = 60
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


class Starts:
    """Begins runs in a folder, one after another, each in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], said: Path) -> None:
        self.process = process
        self.said = said

    def _number(self) -> int:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.said.read_text()
        return int(line)

    def start(self) -> int:
        """The process of a new run."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._number()

    def kill(self, when: Callable[[], bool]) -> None:
        """Start a run and kill it, with all its processes, as soon as something holds."""
        group = self.start()
        until = time.monotonic() + 240
        while not when():
            assert time.monotonic() < until, self.said.read_text()
            time.sleep(0.01)
        os.killpg(group, signal.SIGKILL)
        assert self._number() == -signal.SIGKILL

    def finish(self) -> None:
        """Start a run and let it end."""
        self.start()
        assert self._number() == 0, self.said.read_text()


@pytest.fixture
def starts(tmp_path: Path) -> Iterator[Starts]:
    folder = tmp_path / "killed"
    folder.mkdir()
    said = tmp_path / "said.txt"
    with (
        said.open("w") as errors,
        subprocess.Popen(
            [sys.executable, SCRIPT, str(TRAIN), *WORDS],
            cwd=folder,
            env={**os.environ, "MEDFILIP_CACHE": str(folder / "cache")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        yield Starts(process, said)


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
    whole: dict[str, dict], starts: Starts, tmp_path: Path
):
    folder = tmp_path / "killed"
    cache, results = folder / "cache", folder / "results" / "random"

    def records() -> list[Path]:
        return list(results.glob("*.json"))

    # While the first images are drawn or encoded, and between the first task and the last.
    starts.kill(cache.is_dir)
    assert not records()
    starts.kill(lambda: bool(records()))
    assert len(records()) < len(TASKS)
    starts.finish()
    assert figures(folder / "results") == whole
    assert len(whole) == len(TASKS)
    leftovers = [path.name for path in (folder / "results").rglob("*.tmp")]
    assert not [name for name in leftovers if not name.startswith(".")]
