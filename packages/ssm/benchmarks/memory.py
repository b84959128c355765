"""Peak memory of the targets of 100,000 texts, each pool in a process of its own.

The bound is the one in the docstring of ``ssm.targets.pool_rows``: the vectors and their padded
copy, the result, and 4 blocks (7 for softmax). K itself, 100,000 × 100,000, would take 40 GB.

Run: uv run python packages/ssm/benchmarks/memory.py [--texts 100000] [--owners 256] [--dim 64]
"""

import argparse
import json
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import torch
from ssm.targets import Pool, pool_rows

BLOCKS: dict[Pool, int] = {"max": 4, "mean": 4, "softmax": 7}
MIB = 2**20


def bound(texts: int, owners: int, dim: int, block_elements: int, pool: Pool) -> float:
    """MiB that the docstring promises, for float32 and a group mask."""
    block = max(block_elements, 16 * texts, 16 * owners)
    vectors = 2 * dim * (texts + 16)
    return 4 * (vectors + owners * texts + BLOCKS[pool] * block) / MIB


def resident() -> float:
    """MiB of this process that are in memory now."""
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * resource.getpagesize() / MIB


class Peak:
    """The highest resident memory while the block runs, looked at every 2 ms."""

    def __enter__(self) -> "Peak":
        self.highest, self._running = resident(), True
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while self._running:
            self.highest = max(self.highest, resident())
            time.sleep(0.002)

    def __exit__(self, *_: object) -> None:
        self._running = False
        self._thread.join()


def measure(texts: int, owners: int, dim: int, block_elements: int, pool: Pool) -> dict[str, float]:
    """Compute S once; MiB above what was in use before the vectors, and seconds."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(1)
    small = torch.nn.functional.normalize(torch.randn(64, dim, device=device), dim=1)
    whose = torch.arange(64, device=device) % 4
    pool_rows(small, whose, small, row_group=whose, column_group=whose, n_owners=4, pool=pool)
    before = resident()
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated() / MIB
    vectors = torch.nn.functional.normalize(torch.randn(texts, dim, device=device), dim=1)
    owner = torch.randint(owners, (texts,), device=device)
    start = time.perf_counter()
    with Peak() as peak:
        targets = pool_rows(
            vectors,
            owner,
            vectors,
            row_group=owner % 7,
            column_group=owner % 7,
            n_owners=owners,
            pool=pool,
            block_elements=block_elements,
        )
        checksum = float(targets.double().mean())
    highest = torch.cuda.max_memory_allocated() / MIB if device == "cuda" else peak.highest
    seconds = time.perf_counter() - start
    return {"peak": highest - before, "seconds": seconds, "mean": checksum}


def main() -> None:
    """Print one row a pool; exit 1 where the bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--owners", type=int, default=256)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--block-elements", type=int, default=2**24)
    parser.add_argument("--pool", choices=BLOCKS, help="measure one here and print JSON")
    given = parser.parse_args()
    sizes = (given.texts, given.owners, given.dim, given.block_elements)
    if given.pool:
        print(json.dumps(measure(*sizes, given.pool)))
        return
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU, one thread"
    print(f"{given.texts} texts, {given.owners} owners, {given.dim} dimensions, {where}")
    print(f"a whole K would take {4 * given.texts**2 / MIB:.0f} MiB")
    print(f"{'pool':>8} {'peak MiB':>9} {'bound MiB':>10} {'seconds':>8}")
    held = True
    for pool in BLOCKS:
        command = [sys.executable, __file__, *sys.argv[1:], "--pool", pool]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        found, promised = json.loads(answer.stdout), bound(*sizes, pool)
        held = held and found["peak"] <= promised
        print(f"{pool:>8} {found['peak']:9.0f} {promised:10.0f} {found['seconds']:8.1f}")
    if not held:
        sys.exit("the bound does not hold")


if __name__ == "__main__":
    main()
