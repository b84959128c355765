"""Rows of all ranks, each with any number of them, and the gradient that belongs to its own.

Legend: n rows of this rank, N rows of all ranks, R ranks.
"""

from collections.abc import Sequence

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor


def ranks() -> tuple[int, int]:
    """This process's rank and how many there are; (0, 1) without a process group."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def exchange(numbers: Sequence[int], device: torch.device) -> list[list[int]]:
    """Tell every rank a few integers: how many rows one brings, whether one was asked to stop.

    Args:
        numbers: As many on every rank.
        device: Where the process group takes tensors.

    Returns:
        The integers of rank 0, of rank 1, ….
    """
    _, world = ranks()
    if world == 1:
        return [list(numbers)]
    own = torch.tensor(list(numbers), dtype=torch.long, device=device)
    table = own.new_zeros(world * len(numbers))
    dist.all_gather_into_tensor(table, own)
    return table.view(world, -1).tolist()


def gather_rows(own: Shaped[Tensor, "n ..."], sizes: Sequence[int]) -> Shaped[Tensor, "N ..."]:
    """Bring together the rows of all ranks, in rank order.

    Only this rank's own rows stay attached to the graph. A loss of all rows that every rank
    computes whole has, on each rank, the complete gradient of that rank's rows: nothing has to
    travel back, and the sum of the ranks' parameter gradients is that of one process with all
    rows.

    Args:
        own: This rank's rows, any type, maybe none.
        sizes: How many rows each rank has, from `exchange`.

    Returns:
        All rows.
    """
    rank, world = ranks()
    if world == 1:
        return own
    padded = own.new_zeros((max(1, *sizes), *own.shape[1:]))
    padded[: len(own)] = own.detach()
    received = padded.new_empty((world * len(padded), *own.shape[1:]))
    dist.all_gather_into_tensor(received, padded)
    parts = [part[:size] for part, size in zip(received.split(len(padded)), sizes, strict=True)]
    parts[rank] = own
    return torch.cat(parts)
