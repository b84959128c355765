"""Several processes, and processes that are killed."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from ssm import store

BUILDER = """
import os, sys, time
from pathlib import Path
import torch
from ssm import store

store._BLOCK = 4

class Slow:
    name, dim, fingerprint = "slow", 3, "f" * 64
    def encode(self, texts, *, batch_size=64, progress=False):
        for text in texts:
            os.write(log, f"{text}\\n".encode())
            time.sleep(pause)
        return torch.eye(3)[[int(text) % 3 for text in texts]]

builders = []
print("ready", flush=True)
for line in sys.stdin:
    if line == "wait\\n":
        print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in builders], flush=True)
        builders.clear()
        continue
    folder, first, end, pause = line.split()
    pid = os.fork()
    if not pid:
        pause = float(pause)
        log = os.open(folder + ".log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        store.extend(Path(folder), [str(n) for n in range(int(first), int(end))], Slow())
        os._exit(0)
    builders.append(pid)
    print(pid, flush=True)
"""


class Builders:
    """Starts processes that build banks of the texts first … end − 1, and log what they encode."""

    def __init__(self):
        self.parent = subprocess.Popen(
            [sys.executable, "-c", BUILDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self._answer() == "ready"

    def start(self, folder, first, end, pause):
        self.parent.stdin.write(f"{folder} {first} {end} {pause}\n")
        return int(self._answer())

    def wait(self):
        """Exit codes of all that were started."""
        self.parent.stdin.write("wait\n")
        return self._answer()

    def close(self):
        self.parent.kill()
        self.parent.communicate()

    def _answer(self):
        return self.parent.stdout.readline().strip()


@pytest.fixture(scope="module")
def builders():
    started = Builders()
    yield started
    started.close()


def encoded(folder):
    return folder.with_name(f"{folder.name}.log").read_text().split()


def numbered(*span):
    return [str(n) for n in range(*span)]


def test_processes_that_build_at_once_encode_each_text_once_in_all(tmp_path, builders):
    folder = tmp_path / "bank"
    builders.start(folder, 0, 40, 0.02)
    builders.start(folder, 20, 60, 0.02)
    builders.start(folder, 10, 30, 0.02)
    assert builders.wait() == "[0, 0, 0]"
    assert sorted(encoded(folder), key=int) == numbered(60)
    found = store.read(folder)
    assert sorted(found.texts, key=int) == numbered(60)
    expected = torch.eye(3)[[int(text) % 3 for text in found.texts]]
    assert torch.equal(found.embeddings, expected)


def test_a_reader_need_not_wait_for_a_writer(tmp_path, builders, hash_encoder):
    folder = tmp_path / "bank"
    builders.start(folder, 0, 8, 0)
    assert builders.wait() == "[0]"
    writer = builders.start(folder, 0, 1000, 0.01)
    while len(encoded(folder)) < 9:
        time.sleep(0.01)
    hash_encoder.name, hash_encoder.dim, hash_encoder.fingerprint = "slow", 3, "f" * 64
    assert store.extend(folder, numbered(8), hash_encoder).texts[:8] == tuple(numbered(8))
    assert hash_encoder.encoded == []
    os.kill(writer, signal.SIGKILL)
    assert builders.wait() == "[-9]"


def test_killed_at_any_moment(tmp_path, builders):
    """What was written survives, nothing half-written is read, nothing written is encoded again."""
    folder = tmp_path / "bank"
    folder.with_name("bank.log").touch()
    survived = 0
    for more in range(8):
        before = len(encoded(folder))
        builder = builders.start(folder, 0, 4000, 0.002)
        while len(encoded(folder)) < before + 9:
            time.sleep(0.001)
        time.sleep(0.003 * more)
        os.kill(builder, signal.SIGKILL)
        assert builders.wait() == "[-9]"
        assert encoded(folder)[before : before + 9] == numbered(survived, survived + 9)
        found = store.read(folder)
        count = len(found.texts)
        assert found.texts == tuple(numbered(count))
        assert torch.equal(found.embeddings, torch.eye(3)[torch.arange(count) % 3])
        # Lost is the block that was at work, at most: encoded, or being written.
        done = survived + len(encoded(folder)) - before
        assert count % 4 == 0
        assert done - 4 <= count <= done
        survived = count
    builders.start(folder, 0, survived + 40, 0)
    assert builders.wait() == "[0]"
    assert encoded(folder)[-40:] == numbered(survived, survived + 40)
    assert store.read(folder).texts == tuple(numbered(survived + 40))
    assert not list(folder.glob(".*.tmp"))
