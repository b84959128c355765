"""The semantic similarity matrix S of eq. 4-5: which text fits which image, and how well. Pure.

Checks are functions of their own, which look at the data and so stop torch.compile; the core,
``pool_rows``, looks at shapes alone and compiles with ``fullgraph=True``.
"""

from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from ssm.calibration import Calibration
from ssm.errors import SsmError
from ssm.similarity import inner, normalise

Pool = Literal["max", "mean", "softmax"]

_INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64)
_LEAST_TEMPERATURE = 1e-6
_TILE = 16


def semantic_similarity_matrix(
    embeddings: Float[Tensor, "M D"],
    owner: Int[Tensor, " M"],
    *,
    group: Int[Tensor, " M"] | None = None,
    n_owners: int | None = None,
    pool: Pool = "max",
    temperature: float = 0.1,
    calibration: Calibration | None = None,
    block_elements: int = 2**24,
) -> Float[Tensor, "N M"]:
    """Soft targets for N images and M texts, from the similarity of the texts alone.

    E is ``embeddings`` with rows scaled to length 1, K = E Eᵀ (eq. 4), and
    S[i, j] = max over the texts k of image i of K[k, j] (eq. 5), clamped to [0, 1].
    The clamp only removes negative cosines and rounding above 1. A text belongs fully to its own
    image: S[owner[j], j] = 1 with the pool ``"max"``, unless its vector is zero (or, where a
    calibration centers, the mean), which is similar to nothing: then it counts as 0.

    Differentiable with respect to ``embeddings``; runs where they live. Half precision is computed
    in float32 and rounded at the end. For the memory see ``pool_rows``.

    Args:
        embeddings: One row per text, of any length; a zero row is similar to nothing.
        owner: Image of each text, in any order, each in 0 … N−1.
        group: Category of each text. If given, texts of different categories have similarity 0:
            the official code's same-category mask, multiplied into K before the maximum. The paper
            has no such mask.
        n_owners: N; by default the highest owner + 1. An image without a text has a row of zeros.
        pool: ``"max"`` keeps the strongest match (the paper); ``"mean"`` averages over an image's
            texts; ``"softmax"`` averages with weights softmax over k of K[k, j] / ``temperature``,
            between the two.
        temperature: For ``"softmax"``: near 0 is the maximum, infinity the mean; at least 1e-6.
        calibration: Of vectors before, and of K after the product, before mask and pooling; by
            default none (the paper).
        block_elements: Bound on the numbers of K held at a time.

    Returns:
        S, in the type of ``embeddings``.

    Raises:
        SsmError: Shapes, types or devices do not fit, an owner is out of range, an embedding is not
            finite, or an option is not allowed.
    """
    check_embeddings(embeddings)
    unit = normalise(embeddings.to(_working_type(embeddings)))
    if calibration is not None:
        unit = calibration.rows(unit)
    return pool_by_owner(
        unit,
        owner,
        group=group,
        n_owners=n_owners,
        pool=pool,
        temperature=temperature,
        calibration=calibration,
        block_elements=block_elements,
    ).to(embeddings.dtype)


def pool_by_owner(
    unit: Float[Tensor, "M D"],
    owner: Int[Tensor, " M"],
    *,
    group: Int[Tensor, " M"] | None = None,
    n_owners: int | None = None,
    pool: Pool = "max",
    temperature: float = 0.1,
    calibration: Calibration | None = None,
    block_elements: int = 2**24,
) -> Float[Tensor, "N M"]:
    """``semantic_similarity_matrix`` for rows that are known to be finite and of length 1.

    The path of a bank, whose vectors were checked when it was built. Arguments and errors are those
    of ``semantic_similarity_matrix``, but for the vectors themselves: they are not looked at, and
    ``calibration.rows`` has been applied to them already.
    """
    check_ids("owner", owner, unit)
    if group is not None:
        check_ids("group", group, unit)
    return pool_rows(
        unit,
        owner,
        unit,
        row_group=group,
        column_group=group,
        n_owners=count_owners(owner, n_owners),
        pool=pool,
        temperature=temperature,
        calibration=calibration,
        block_elements=block_elements,
    )


def pool_rows(
    rows: Float[Tensor, "m D"],
    owner: Int[Tensor, " m"],
    columns: Float[Tensor, "M D"],
    *,
    row_group: Int[Tensor, " m"] | None = None,
    column_group: Int[Tensor, " M"] | None = None,
    n_owners: int,
    pool: Pool = "max",
    temperature: float = 0.1,
    calibration: Calibration | None = None,
    block_elements: int = 2**24,
) -> Float[Tensor, "n M"]:
    """The core: similarities of m texts with M texts, pooled over the m by owner into n rows.

    With rows = columns this is S; with the texts of some images as rows it is those rows of S.
    Nothing is checked but the options: the vectors are finite, of length 1 (or 0) and have been
    through ``calibration.rows``; the owners lie in 0 … n−1 (``check_ids``, ``count_owners``).

    A row depends on its own texts and on the columns alone. On a CPU this holds to the last bit,
    whichever other rows are there: BLAS adds in another order for narrow matrices, and so the
    product is padded to multiples of 16 rows and columns (MKL, 1 and 2 threads: no difference in
    4,032 comparisons; unpadded, up to 5e-7). On CUDA rows may differ by rounding.

    Memory: the matrix is computed in blocks of columns, each of at most
    max(``block_elements``, 16 m, 16 n) numbers. Beside its arguments, their copies in padded form,
    and the result of n × M numbers, at most 4 such blocks are held at a time (7 for ``"softmax"``);
    half precision counts as float32. For a gradient, autograd keeps the blocks of all columns.
    """
    _check_options(pool, temperature, block_elements)
    padded = _padded(rows)
    other = padded if columns is rows else _padded(columns)
    owner = owner.long()
    width = max(1, block_elements // max(len(padded), n_owners, 1) // _TILE) * _TILE
    result = rows.new_zeros(n_owners, len(columns))
    if row_group is not None and column_group is not None:
        column_group = functional.pad(column_group, (0, len(other) - len(columns)))
    for start in range(0, len(columns), width):
        part = slice(start, start + width)
        block = inner(padded, other[part])[: len(rows)]
        if calibration is not None:
            block = calibration.apply(block)
        if row_group is not None and column_group is not None:
            block.masked_fill_(row_group[:, None] != column_group[None, part], 0)
        pooled = _pool(block, owner, n_owners, pool, temperature)
        result[:, part] = pooled[:, : len(columns) - start]
    return result


def _padded(rows: Tensor) -> Tensor:
    """Rows of zeros added up to a multiple of the tile, in the type that is computed in."""
    return functional.pad(rows.to(_working_type(rows)), (0, 0, 0, -len(rows) % _TILE))


def _pool(block: Tensor, owner: Tensor, n: int, pool: Pool, temperature: float) -> Tensor:
    """Pool the rows of [m, B] by owner into [n, B], clamped to [0, 1]."""
    empty = block.new_zeros(n, block.shape[1])
    if pool == "max":
        # Starting from 0 is the lower clamp, and gives images without a text their zeros.
        return empty.scatter_reduce(0, owner[:, None].expand_as(block), block, "amax").clamp(max=1)
    if pool == "mean":
        sums = empty.index_add(0, owner, block)
        counts = empty.new_zeros(n).index_add(0, owner, block.new_ones(len(owner)))
        return (sums / counts.clamp(min=1)[:, None]).clamp(0, 1)
    # Weights do not change when the highest similarity is taken off, and exp then ends at 1.
    lowest = torch.full_like(empty, -torch.inf)
    places = owner[:, None].expand_as(block)
    best = lowest.scatter_reduce(0, places, block.detach(), "amax")
    weights = (block - best[owner]).div_(temperature).exp_()
    totals = empty.index_add(0, owner, weights)
    sums = empty.index_add(0, owner, weights * block)
    return (sums / totals.masked_fill(totals == 0, 1)).clamp(0, 1)


def check_embeddings(embeddings: Tensor) -> None:
    """Refuse what is not a finite matrix of floats [M, D] (one device synchronisation)."""
    if embeddings.ndim != 2 or not embeddings.is_floating_point():
        raise SsmError(
            f"embeddings must be floats of shape [M, D], got {embeddings.dtype} of shape "
            f"{list(embeddings.shape)}"
        )
    finite = torch.isfinite(embeddings).all(dim=1)
    if not finite.all():
        bad = int((~finite).nonzero()[0, 0])
        raise SsmError(f"embedding {bad} holds NaN or infinity: check the encoder that made it")


def check_ids(name: str, ids: Tensor, embeddings: Tensor) -> None:
    """Refuse ids that are not one integer for each embedding, on its device."""
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


def count_owners(owner: Tensor, n_owners: int | None) -> int:
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


def _check_options(pool: str, temperature: float, block_elements: int) -> None:
    if pool not in get_args(Pool):
        raise SsmError(f"unknown pool {pool!r}: use {', '.join(map(repr, get_args(Pool)))}")
    if not temperature >= _LEAST_TEMPERATURE:
        raise SsmError(
            f"temperature must be at least {_LEAST_TEMPERATURE}, got {temperature!r}: "
            "pool 'max' is what it comes to at 0"
        )
    if block_elements < 1:
        raise SsmError(f"block_elements must be at least 1, got {block_elements!r}")


def _working_type(rows: Tensor) -> torch.dtype:
    """float32 for half precision, whose sums would be wrong in the third digit."""
    return torch.promote_types(rows.dtype, torch.float32)
