"""Targets across processes: every image against the texts of all ranks. Only integers travel.

A batch of N images over several ranks has M texts, and each rank wants its own rows of S. Every
rank holds the bank, so that where a text stands in it says all about the text.
"""

import hashlib
import json
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
import torch.distributed as dist
from jaxtyping import Float, Int
from torch import Tensor

from ssm.bank import LabelBank
from ssm.calibration import Calibration
from ssm.errors import SsmError
from ssm.targets import Pool, check_ids, count_owners, pool_rows

_PLAIN, _WITH_GROUP = 2, 3  # Integers a text: index and owner, and group.
_MARKS: WeakKeyDictionary[LabelBank, int] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class GlobalLabels:
    """The labels of all ranks, in rank order.

    Attributes:
        index: Row in the bank of each of the M texts.
        owner: Image of each text, numbered over all ranks.
        group: Category of each text, if the ranks gave one.
        sizes: How many texts each rank gave; they sum to M.
        first_owner: Number of this rank's first image.
        n_owners: This rank's images, n.
        total_owners: The images of all ranks, N.
    """

    index: Int[Tensor, " M"]
    owner: Int[Tensor, " M"]
    group: Int[Tensor, " M"] | None
    sizes: tuple[int, ...]
    first_owner: int
    n_owners: int
    total_owners: int


def global_targets(
    bank: LabelBank,
    index: Int[Tensor, " m"],
    owner: Int[Tensor, " m"],
    *,
    n_owners: int,
    group: Int[Tensor, " m"] | None = None,
    pool: Pool = "max",
    temperature: float = 0.1,
    calibration: Calibration | None = None,
    process_group: dist.ProcessGroup | None = None,
) -> Float[Tensor, "n M"]:
    """This rank's rows of the S of all ranks: its own images against everybody's texts.

    A collective: every rank of the group calls it, each with its own labels, of which it may have
    any number, also none. Without an initialised process group it is ``bank.targets``.

    Bit for bit what one process computes from the labels of all ranks, on the same kind of device
    and with as many threads (but for the pools ``"mean"`` and ``"softmax"`` on CUDA, whose sums run
    in no fixed order there either). A product of some rows of a matrix need not be bit for bit
    those rows of the whole product: BLAS adds up in an order that depends on how many rows there
    are and where a row stands (unpadded, 271 of 700 random float32 cases differed). The core pads
    against that, which helps for float32 on the CPUs tried, not for float64, and promises nothing
    on CUDA. So each rank forms K of all texts as one process does, block by block, and pools its
    own images alone: exact by construction. The price is one process's product on each rank; for
    M = 800 texts of 768 numbers 31 ms on one CPU thread, where its own 100 rows would take 2.

    In a training loop, where rank r has n images and m texts of its own::

        targets = global_targets(bank, batch.index, batch.owner, n_owners=len(batch.images))
        images = normalise(model.encode_image(batch.images))            # [n, D], its own
        texts = normalise(model.encode_text(batch.tokens))              # [m, D], its own
        texts = torch.cat(torch.distributed.nn.functional.all_gather(texts))    # [M, D], all
        loss = itm_loss(images @ texts.T, targets, logit_scale=model.logit_scale)

    ``all_gather`` wants the same m everywhere: otherwise pad to ``max(sizes)`` of
    ``global_labels`` and cut each rank's part to its size.

    Args:
        bank: The same on every rank, on any device.
        index: Rows of this rank's texts, from ``bank.index``.
        owner: Image of each text, in 0 … n−1, numbered on this rank alone.
        n_owners: n, this rank's images; an image without a text has a row of zeros.
        group: Category of each text, for the same-category mask: given by all ranks or by none.
        pool: How an image's texts are pooled; as all of what follows, the same on every rank.
        temperature: Of the pool ``"softmax"``.
        calibration: Another than the bank's own.
        process_group: The ranks that share a batch; by default all.

    Returns:
        This rank's rows, on the bank's device. Columns are the texts of rank 0, of rank 1, ….

    Raises:
        SsmError: The labels of a rank are wrong, or the ranks' banks differ. It is raised on every
            rank, and names the rank: none is left waiting.
    """
    labels = global_labels(
        bank, index, owner, n_owners=n_owners, group=group, process_group=process_group
    )
    device = bank.embeddings.device
    rows, calibration = bank.select(labels.index, calibration)
    shared = None if labels.group is None else labels.group.to(device)
    # The texts of other ranks' images share one row more, which is cut off. Only where images
    # outnumber texts do the core's blocks depend on how many rows there are: then as many as N.
    own = labels.owner.to(device) - labels.first_owner
    own = own.where((own >= 0) & (own < n_owners), n_owners)
    total = labels.total_owners
    height = total if total > len(rows) else min(total, n_owners + 1)
    return pool_rows(
        rows,
        own,
        rows,
        row_group=shared,
        column_group=shared,
        n_owners=height,
        pool=pool,
        temperature=temperature,
        calibration=calibration,
    )[:n_owners]


def global_labels(
    bank: LabelBank,
    index: Int[Tensor, " m"],
    owner: Int[Tensor, " m"],
    *,
    n_owners: int,
    group: Int[Tensor, " m"] | None = None,
    process_group: dist.ProcessGroup | None = None,
) -> GlobalLabels:
    """Gather the labels of all ranks: sizes first, then the integers. Two collectives.

    Arguments and errors are those of ``global_targets``.
    """
    parts = [index, owner] if group is None else [index, owner, group]
    if not (dist.is_available() and dist.is_initialized()):
        _check(bank, [part.to(index.device) for part in parts], n_owners)
        return GlobalLabels(index, owner, group, (len(index),), 0, n_owners, n_owners)
    channel = _channel(process_group)
    parts = [part.to(channel) for part in parts]
    sizes, owners, width = _agree(bank, parts, n_owners, process_group)
    rank = dist.get_rank(process_group)
    firsts = [sum(owners[:before]) for before in range(len(owners))]
    packed = torch.zeros(width, max(1, *sizes), dtype=torch.long, device=channel)
    for row, part in zip(packed, parts, strict=False):
        row[: len(part)] = part
    packed[1] += firsts[rank]
    received = _gather(packed, process_group)
    whole = torch.cat([got[:, :size] for got, size in zip(received, sizes, strict=True)], dim=1)
    return GlobalLabels(
        index=whole[0],
        owner=whole[1],
        group=whole[2] if width == _WITH_GROUP else None,
        sizes=tuple(sizes),
        first_owner=firsts[rank],
        n_owners=n_owners,
        total_owners=sum(owners),
    )


def _agree(
    bank: LabelBank, parts: list[Tensor], n_owners: int, process_group: dist.ProcessGroup | None
) -> tuple[list[int], list[int], int]:
    """Texts and images of every rank, and the integers a text has; or one error on all ranks.

    A rank that raised before the first collective would leave the others waiting in it.
    """
    problem = None
    try:
        _check(bank, parts, n_owners)
    except SsmError as error:
        problem = str(error)
    # A rank without a text may leave the group out.
    width = len(parts) if len(parts[0]) else 0
    facts = [0, 0, 0, 0, 0] if problem else [1, _mark(bank), width, len(parts[0]), n_owners]
    table = _gather(torch.tensor(facts, device=parts[0].device), process_group).tolist()
    fine, marks, widths, sizes, owners = (list(column) for column in zip(*table, strict=True))
    if not all(fine):
        problems: list[str | None] = [None] * len(table)
        dist.all_gather_object(problems, problem, process_group)
        named = [f"rank {rank}: {text}" for rank, text in enumerate(problems) if text]
        raise SsmError("; ".join(named))
    if len(set(marks)) > 1:
        other = next(rank for rank, mark in enumerate(marks) if mark != marks[0])
        raise SsmError(
            f"rank {other} has another bank than rank 0: their rows mean other texts. Build the "
            "bank from the texts of the whole data set, in the same order on every rank"
        )
    if len({*widths, 0}) > 2:
        ranks = [[r for r, has in enumerate(widths) if has == w] for w in (_WITH_GROUP, _PLAIN)]
        raise SsmError(
            f"ranks {ranks[0]} gave a group and ranks {ranks[1]} gave none: all must, or none"
        )
    return sizes, owners, max(*widths, _PLAIN)


def _check(bank: LabelBank, parts: list[Tensor], n_owners: int) -> None:
    index = parts[0]
    if index.ndim != 1:
        raise SsmError(f"index must hold one row for each text, got shape {list(index.shape)}")
    for name, part in zip(("index", "owner", "group"), parts, strict=False):
        check_ids(name, part, index)
    if len(index):
        low, high = torch.stack(torch.aminmax(index)).tolist()
        if low < 0 or high >= len(bank):
            worst = low if low < 0 else high
            raise SsmError(f"index {worst} is out of range: the bank has {len(bank)} texts")
    count_owners(parts[1], n_owners)


def _channel(process_group: dist.ProcessGroup | None) -> torch.device:
    """Where the group's backend takes tensors: the CPU if it can, else this rank's accelerator."""
    if "cpu:" in dist.get_backend_config(process_group):
        return torch.device("cpu")
    return torch.accelerator.current_accelerator() or torch.device("cpu")


def _gather(values: Tensor, process_group: dist.ProcessGroup | None) -> Tensor:
    """The same-sized integers of every rank, along a new first dimension."""
    world = dist.get_world_size(process_group)
    received = values.new_empty(world * values.numel())
    dist.all_gather_into_tensor(received, values.flatten(), group=process_group)
    return received.view(world, *values.shape)


def _mark(bank: LabelBank) -> int:
    """A number that tells banks apart, made once for each bank."""
    if bank not in _MARKS:
        content = json.dumps([bank.fingerprint, *bank.texts]).encode()
        _MARKS[bank] = int(hashlib.sha256(content).hexdigest()[:15], 16)
    return _MARKS[bank]
