"""The ranks of a run under test: python distributed_worker.py BACKEND WORLD FOLDER.

Each reads the scenarios that the test wrote, and writes for each the rows it got, or the error.
They fork from one process that has imported torch, which takes longer than all they do.
"""

import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from ssm import LabelBank, SsmError
from ssm.distributed import global_labels, global_targets


def main(rank: int, backend: str, world: int, folder: Path) -> None:
    torch.set_num_threads(1)
    device = "cpu" if backend == "gloo" else "cuda"
    dist.init_process_group(
        backend,
        init_method=f"file://{folder / 'rendezvous'}",
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=60),
    )
    groups = {size: dist.new_group(list(range(size))) for size in range(2, world)} | {world: None}
    content = torch.load(folder / "scenarios.pt", weights_only=True)
    answers = []
    for scenario in content["scenarios"]:
        size = len(scenario["ranks"])
        if rank >= size:
            answers.append(None)
            continue
        vectors = content["vectors"][scenario.get("banks", ["plain"] * size)[rank]]
        texts = tuple(map(str, range(len(vectors))))
        bank = LabelBank(texts, vectors, "random", "test").calibrate(scenario["method"]).to(device)
        answers.append(answer(bank, scenario["ranks"][rank], scenario["options"], groups[size]))
    torch.save(answers, folder / f"answers-{rank}.pt")
    dist.destroy_process_group()


def answer(
    bank: LabelBank, labels: dict, options: dict, group: dist.ProcessGroup | None
) -> tuple | str:
    try:
        rows = global_targets(bank, **labels, **options, process_group=group)
    except SsmError as error:
        return str(error)
    gathered = global_labels(bank, **labels, process_group=group)
    return rows, gathered.sizes, gathered.first_owner, gathered.total_owners


if __name__ == "__main__":
    arguments = (sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
    mp.start_processes(main, arguments, nprocs=int(sys.argv[2]), start_method="fork")
