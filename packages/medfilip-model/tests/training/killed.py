"""Train in forked children that are killed with SIGKILL, each at another step, until one finishes.

Run as ``python killed.py CONFIG.json STEP…``: the n-th child kills itself after STEP batches of its
own. A fork costs milliseconds where a new process would import torch anew.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch
from medfilip_model.config import parse_config
from medfilip_model.model import MedFILIP
from medfilip_model.progress import Silent
from medfilip_model.training import train
from ssm import load_encoder


class Kills(Silent):
    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, steps: int) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    torch.set_num_threads(1)
    config = parse_config(json.loads(Path(sys.argv[1]).read_text()))
    # They import what every child would import anew.
    MedFILIP(config.model)
    load_encoder("lexical").encode(["mass"])
    for after in [*map(int, sys.argv[2:]), 0]:
        child = os.fork()
        if not child:
            train(config, listener=Kills(after))
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if killed != bool(after):
            sys.exit(f"child that was to die after {after} batches ended with status {status}")
