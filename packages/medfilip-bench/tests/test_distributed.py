"""Two gloo processes encode what one would, each about half of it."""

import os
import socket
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from medfilip_bench.distributed import alone, device, first

WORKER = Path(__file__).with_name("encoding_process.py")


def worker():
    spec = spec_from_file_location("encoding_process", WORKER)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_processes_encode_what_one_would(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    # So that it takes gloo, and the CPU of a machine with a GPU too.
    shared["ACCELERATE_USE_CPU"] = "true"
    processes = [
        subprocess.Popen(
            [sys.executable, str(WORKER), str(tmp_path / "two")],
            env={**os.environ, **shared, "RANK": rank, "LOCAL_RANK": rank, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert [out.split() for out, _ in said] == [["1", "6"], ["0", "4"]]
    module = worker()
    data = module.toys()
    joined, whole = module.encoder(tmp_path / "two"), module.encoder(tmp_path / "one")
    for split in ("test", "valid"):
        assert (joined.embed(data, split) == whole.embed(data, split)).all()
    assert (joined.encoded, whole.encoded) == (0, 10)


def test_one_process_is_alone_and_first():
    assert alone()
    assert first()
    assert device() in ("cpu", "cuda", "cuda:0")
