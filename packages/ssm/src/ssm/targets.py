"""The semantic similarity matrix S of eq. 4-5: which text fits which image, and how well. Pure."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ssm.errors import SsmError
from ssm.similarity import Calibration, normalise

Pool = Literal["max", "mean"]

_INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64)


def semantic_similarity_matrix(
    embeddings: Float[Tensor, "M D"],
    owner: Int[Tensor, " M"],
    *,
    group: Int[Tensor, " M"] | None = None,
    n_owners: int | None = None,
    pool: Pool = "max",
    calibration: Calibration | None = None,
    block_elements: int = 2**24,
) -> Float[Tensor, "N M"]:
    """Soft targets for N images and M texts, from the similarity of the texts alone.

    E is ``embeddings`` with rows scaled to length 1, K = E Eᵀ (eq. 4), and
    S[i, j] = max over the texts k of image i of K[k, j] (eq. 5), clamped to [0, 1].
    The clamp only removes negative cosines and rounding above 1. A text belongs fully to its own
    image: S[owner[j], j] = 1.

    Differentiable with respect to ``embeddings``; runs where they live. The matrix is computed in
    blocks of columns, so that beside S itself about ``block_elements`` numbers are in memory.

    Args:
        embeddings: One row per text, of any length; a zero row is similar to nothing.
        owner: Image of each text, in any order, each in 0 … N−1.
        group: Category of each text. If given, texts of different categories have similarity 0:
            the official code's same-category mask, multiplied into K before the maximum. The paper
            has no such mask.
        n_owners: N; by default the highest owner + 1. An image without a text has a row of zeros.
        pool: ``"max"`` keeps the strongest match (the paper); ``"mean"`` averages over an image's
            texts, for comparison.
        calibration: Map of K before mask and pooling; by default none (the paper).
        block_elements: Bound on the numbers of K held at a time.

    Raises:
        SsmError: Shapes, types or devices do not fit, an owner is out of range, or an embedding is
            not finite.
    """
    _check_embeddings(embeddings)
    return pool_by_owner(
        normalise(embeddings),
        owner,
        group=group,
        n_owners=n_owners,
        pool=pool,
        calibration=calibration,
        block_elements=block_elements,
    )


def pool_by_owner(
    unit: Float[Tensor, "M D"],
    owner: Int[Tensor, " M"],
    *,
    group: Int[Tensor, " M"] | None = None,
    n_owners: int | None = None,
    pool: Pool = "max",
    calibration: Calibration | None = None,
    block_elements: int = 2**24,
) -> Float[Tensor, "N M"]:
    """``semantic_similarity_matrix`` for rows that are known to be finite and of length 1.

    The path of a bank, whose vectors were checked when it was built. Arguments and errors are those
    of ``semantic_similarity_matrix``, but for the vectors themselves, which are not looked at.
    """
    if pool not in ("max", "mean"):
        raise SsmError(f"unknown pool {pool!r}: use 'max' or 'mean'")
    _check_ids("owner", owner, unit)
    if group is not None:
        _check_ids("group", group, unit)
    count, n = len(unit), _owner_count(owner, n_owners)
    owner = owner.long()
    width = max(1, block_elements // max(count, 1))
    blocks: list[Tensor] = []
    for start in range(0, count, width):
        columns = slice(start, start + width)
        block = unit @ unit[columns].T
        if calibration is not None:
            block = calibration.apply(block)
        if group is not None:
            block = block * (group[:, None] == group[None, columns])
        blocks.append(_pool(block, owner, n, pool))
    return torch.cat(blocks, dim=1) if blocks else unit.new_zeros(n, 0)


def _pool(block: Tensor, owner: Tensor, n: int, pool: Pool) -> Tensor:
    """Pool the rows of [M, B] by owner into [N, B], clamped to [0, 1]."""
    empty = block.new_zeros(n, block.shape[1])
    if pool == "max":
        # Starting from 0 is the lower clamp, and gives images without a text their zeros.
        best = empty.scatter_reduce(0, owner[:, None].expand_as(block), block, "amax")
        return best.clamp(max=1)
    sums = empty.index_add(0, owner, block)
    counts = torch.bincount(owner, minlength=n).clamp(min=1).to(block.dtype)
    return (sums / counts[:, None]).clamp(0, 1)


def _check_embeddings(embeddings: Tensor) -> None:
    if embeddings.ndim != 2 or not embeddings.is_floating_point():
        raise SsmError(
            f"embeddings must be floats of shape [M, D], got {embeddings.dtype} of shape "
            f"{list(embeddings.shape)}"
        )
    finite = torch.isfinite(embeddings).all(dim=1)
    if not finite.all():
        bad = int((~finite).nonzero()[0, 0])
        raise SsmError(f"embedding {bad} holds NaN or infinity: check the encoder that made it")


def _check_ids(name: str, ids: Tensor, embeddings: Tensor) -> None:
    if ids.dtype not in _INTEGERS:
        raise SsmError(f"{name} must hold integers, got {ids.dtype}: use {name}.long()")
    if ids.shape != embeddings.shape[:1]:
        raise SsmError(
            f"{name} must have one entry for each of the {len(embeddings)} texts, got shape "
            f"{list(ids.shape)}"
        )
    if ids.device != embeddings.device:
        raise SsmError(
            f"{name} is on {str(ids.device)!r} and the embeddings are on "
            f"{str(embeddings.device)!r}: move one of them"
        )


def _owner_count(owner: Tensor, n_owners: int | None) -> int:
    """N, after checking that every owner is in range (one device synchronisation)."""
    if n_owners is not None and n_owners < 0:
        raise SsmError(f"n_owners must not be negative, got {n_owners!r}")
    if owner.numel() == 0:
        return n_owners or 0
    low, high = torch.stack(torch.aminmax(owner)).tolist()
    n = high + 1 if n_owners is None else n_owners
    if low < 0 or high >= n:
        worst = low if low < 0 else high
        raise SsmError(f"owner {worst} is out of range: {n} owners are numbered 0 to {n - 1}")
    return n
