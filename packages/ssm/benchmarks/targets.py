"""Soft targets: vectorised against a readable loop, and what the checks cost. Ratios in one run.

Run: uv run python packages/ssm/benchmarks/targets.py
"""

import time
from collections.abc import Callable

import torch
from ssm import LabelBank, normalise

BATCHES = ((32, 100), (256, 800))
UNIQUE, DIM = 5000, 384


def loop(bank: LabelBank, index: torch.Tensor, owner: torch.Tensor, n: int) -> torch.Tensor:
    """Eq. 4-5 as one would write them down, over every pair of texts."""
    rows = bank.embeddings[index]
    similarity = (rows @ rows.T).tolist()
    targets = [[0.0] * len(index) for _ in range(n)]
    for k, image in enumerate(owner.tolist()):
        for j in range(len(index)):
            targets[image][j] = min(1.0, max(targets[image][j], similarity[k][j]))
    return torch.tensor(targets)


def bare(bank: LabelBank, index: torch.Tensor, owner: torch.Tensor, n: int) -> torch.Tensor:
    """The arithmetic alone: gather, matmul, segment max."""
    rows = bank.embeddings[index]
    block = rows @ rows.T
    zeros = block.new_zeros(n, len(index))
    return zeros.scatter_reduce(0, owner[:, None].expand_as(block), block, "amax").clamp(max=1)


def gathered(similarity: torch.Tensor, index: torch.Tensor, owner: torch.Tensor, n: int) -> None:
    """The alternative that was not kept: look K up among all unique texts (100 MB here)."""
    block = similarity[index][:, index]
    block.new_zeros(n, len(index)).scatter_reduce(0, owner[:, None].expand_as(block), block, "amax")


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    """Median time of a call."""
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1000 * sorted(times)[len(times) // 2]


def main() -> None:
    """Print one row a batch size."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    vectors = normalise(torch.randn(UNIQUE, DIM, generator=generator))
    bank = LabelBank(tuple(map(str, range(UNIQUE))), vectors, "random", "benchmark")
    similarity = vectors @ vectors.T
    print(
        f"{UNIQUE} unique texts, {DIM} dimensions, one thread; ms a batch, ratio = loop / targets"
    )
    print(f"{'N':>5} {'M':>5} {'targets':>9} {'bare':>9} {'K gather':>9} {'loop':>9} {'ratio':>8}")
    for n, m in BATCHES:
        index = torch.randint(UNIQUE, (m,), generator=generator)
        owner = torch.randint(n, (m,), generator=generator)
        ours = bank.targets(index, owner, n_owners=n)
        torch.testing.assert_close(ours, loop(bank, index, owner, n), atol=1e-6, rtol=0)
        times = (
            milliseconds(lambda i=index, o=owner, n=n: bank.targets(i, o, n_owners=n), 50),
            milliseconds(lambda i=index, o=owner, n=n: bare(bank, i, o, n), 50),
            milliseconds(lambda i=index, o=owner, n=n: gathered(similarity, i, o, n), 50),
            milliseconds(lambda i=index, o=owner, n=n: loop(bank, i, o, n), 5),
        )
        row = " ".join(f"{value:9.3f}" for value in times)
        print(f"{n:5d} {m:5d} {row} {times[3] / times[0]:7.0f}×")


if __name__ == "__main__":
    main()
