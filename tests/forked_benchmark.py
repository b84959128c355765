"""A benchmark at every line that is read: ``python forked_benchmark.py TRAIN WORD...``.

The probe trains on so many phantoms: drawing the profile's 1,000 takes most of the time and is the
same loop. Writes the number of its process, the leader of a new group, and then its exit code.
A fork costs milliseconds where a new process would import torch anew.
"""

import os
import sys


def run(train: int, words: list[str]) -> None:
    """The command line in this process."""
    from medfilip_bench.cli import app
    from medfilip_bench.profiles import PROFILES

    PROFILES["quick"] = PROFILES["quick"].model_copy(update={"probe_train": train})
    app(words)


if __name__ == "__main__":
    from medfilip_bench import run_all  # noqa: F401 - it loads what each child would load anew

    for _ in sys.stdin:
        child = os.fork()
        if not child:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            run(int(sys.argv[1]), sys.argv[2:])
        os.write(1, f"{child}\n".encode())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(1, f"{code}\n".encode())
