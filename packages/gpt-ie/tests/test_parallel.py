import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from gpt_ie.parallel import WorkerError, map_in_processes
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.schema import EngineUnavailableError

# The processes find functions by name, so what they call must lie in a module that they can import.
WORK = """
import os, time
from gpt_ie.schema import EngineUnavailableError

def plus(shared, item):
    time.sleep(0.002 * (item % 3))
    return shared + item, os.getpid()

def meets(folder, item):
    open(os.path.join(folder, str(os.getpid())), "w").close()
    end = time.monotonic() + 60
    while len(os.listdir(folder)) < 2:
        if time.monotonic() > end:
            raise TimeoutError("the other process does no work")
        time.sleep(0.01)
    return item + 100, os.getpid()

def dies(shared, item):
    if item == 5:
        os._exit(1)
    return item

def gives_up(shared, item):
    if item == 5:
        raise EngineUnavailableError("no such model")
    return item
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "work_of_test_parallel.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("work_of_test_parallel")
    del sys.modules["work_of_test_parallel"]


def test_order_is_kept_and_every_process_works(work: ModuleType, tmp_path: Path):
    met = tmp_path / "met"
    met.mkdir()
    # Each waits for the other at its first item, however long a process takes to start.
    done = list(map_in_processes(work.meets, str(met), iter(range(60)), workers=2, chunk=4))
    assert [(item, result[0]) for item, result in done] == [(n, n + 100) for n in range(60)]
    pids = {result[1] for _, result in done}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert list(map_in_processes(work.plus, 0, [], workers=2)) == []


def test_the_input_is_read_only_as_far_ahead_as_is_said(work: ModuleType):
    read: list[int] = []

    def items() -> Iterator[int]:
        for item in range(200):
            read.append(item)
            yield item

    ahead: list[int] = []
    for item, _ in map_in_processes(work.plus, 0, items(), workers=2, chunk=4):
        ahead.append(len(read) - item)
    assert max(ahead) <= 3 * 2 * 4 + 4


def test_what_was_read_before_a_failure_is_done(work: ModuleType):
    def items() -> Iterator[int]:
        yield from range(10)
        raise OSError("the file ends here")

    results = map_in_processes(work.plus, 0, items(), workers=2, chunk=4)
    assert [next(results)[0] for _ in range(10)] == list(range(10))
    with pytest.raises(OSError, match="the file ends here"):
        next(results)


def test_a_process_that_dies_and_an_engine_that_gives_up(work: ModuleType):
    with pytest.raises(WorkerError, match="a worker process died"):
        list(map_in_processes(work.dies, 0, range(10), workers=2, chunk=2))
    with pytest.raises(EngineUnavailableError, match="no such model"):
        list(map_in_processes(work.gives_up, 0, range(10), workers=2, chunk=2))


def test_what_cannot_be_sent_is_said(work: ModuleType, engine: RulesEngine):
    with pytest.raises(WorkerError, match="of type 'function' cannot be sent"):
        list(map_in_processes(work.plus, lambda: None, range(3), workers=2))


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import work_of_test_parallel as work
from gpt_ie.parallel import map_in_processes
if __name__ == "__main__":
    for item, (_, pid) in map_in_processes(work.plus, 0, range(10**9), workers=2, chunk=4):
        print(pid, flush=True)
"""


def test_the_processes_end_with_a_parent_that_is_killed(work: ModuleType, tmp_path: Path):
    (tmp_path / "script.py").write_text(SCRIPT)
    with subprocess.Popen(
        [sys.executable, tmp_path / "script.py", tmp_path], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = {int(parent.stdout.readline()) for _ in range(30)}
        parent.kill()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if alive(pid)]


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False
