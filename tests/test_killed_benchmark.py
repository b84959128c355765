"""A benchmark that is killed goes on when started again, to the figures of one that was not."""

import json
import os
import signal
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest

COMMAND = Path(sysconfig.get_path("scripts")) / "medfilip-bench"
WORDS = (
    "all", "--model", "random", "--n", "60", "--reference", "random",
    "--task", "zero_shot-mimic_16-phantom", "--task", "retrieval-*", "--task", "probe-rsna-phantom",
)  # fmt: skip
TASKS = 3


def figures(results: Path) -> dict[str, dict]:
    """Everything in the records but when and how long."""
    found = {}
    for path in sorted((results / "random").glob("*.json")):
        found[path.name] = json.loads(path.read_text(encoding="utf-8"))
        del found[path.name]["provenance"]
    return found


def start(folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [COMMAND, *WORDS],
        cwd=folder,
        env={**os.environ, "MEDFILIP_CACHE": str(folder / "cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("whole")
    process = start(folder)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return figures(folder / "results")


@pytest.mark.parametrize("done", [0, 1])
def test_killed_and_started_again_it_gives_the_same_figures(
    done: int, whole: dict[str, dict], tmp_path: Path
):
    process = start(tmp_path)
    results = tmp_path / "results" / "random"
    until = time.monotonic() + 240
    # Killed once so many records are there: while images are drawn or encoded, or between tasks.
    while len(list(results.glob("*.json"))) < done or not (tmp_path / "cache").is_dir():
        assert process.poll() is None, process.stderr
        assert time.monotonic() < until
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(list(results.glob("*.json"))) < TASKS
    again = start(tmp_path)
    _, said = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert figures(tmp_path / "results") == whole
    assert len(whole) == TASKS
    leftovers = [path.name for path in (tmp_path / "results").rglob("*.tmp")]
    assert not [name for name in leftovers if not name.startswith(".")]
