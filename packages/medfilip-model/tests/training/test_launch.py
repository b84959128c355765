"""`accelerate launch` as a user gives it, on two processes of one machine."""

import json
import os
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from medfilip_model import load_model
from medfilip_model.config import TrainConfig

SETTINGS = (
    "batch=16",
    "model.size=32",
    "model.embed=32",
    "model.image={name='test_convnext'}",
    "model.text.width=32",
    "model.text.layers=1",
    "trackers=[]",
)


@pytest.mark.slow
def test_two_processes_are_launched_and_one_tells(small: TrainConfig, tmp_path: Path):
    """The launcher for cards, told to do without: `--cpu` would start one process, or mpirun."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch"]
    launched = ["--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    machine = ["--mixed_precision", "no", "--dynamo_backend", "no"]
    words = [
        *("--data", small.data.folder, "--out", tmp_path / "run", "--encoder", "lexical"),
        *("--epochs", 1, "--precision", "fp32"),
        *(word for setting in SETTINGS for word in ("--set", setting)),
    ]
    train = Path(sysconfig.get_path("scripts")) / "medfilip-train"
    done = subprocess.run(
        [*launcher, *launched, *machine, "--main_process_port", str(port), "--no_python"]
        + [str(word) for word in (train, *words)],
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    resolved = json.loads((tmp_path / "run" / "config.json").read_text())["resolved"]
    assert resolved["processes"] == 2
    assert done.stdout.count("macro AUC") == 1
    assert load_model(tmp_path / "run").encode_text(["mass"]).shape == (1, 32)
