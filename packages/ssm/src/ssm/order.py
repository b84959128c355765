"""Which texts stand side by side in a picture: like next to like, and groups kept together."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

NO_GROUP = "(none)"


@dataclass(frozen=True)
class Block:
    """Neighbours in the picture, ``start`` to ``stop`` − 1, that share a name."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Order:
    """An order of texts.

    Attributes:
        rows: The texts' rows, in the order of the picture.
        blocks: Its parts, from first to last; they cover all of it.
        tree: scipy's linkage where all texts were clustered; None where they were grouped first.
    """

    rows: list[int]
    blocks: tuple[Block, ...]
    tree: Any = None


def order_by_group(similarity: Float[Tensor, "U U"], groups: Sequence[str]) -> Order:
    """Groups side by side by their mean similarity, the texts of each clustered within it.

    Texts of the group ``""`` come last, as ``(none)``.
    """
    members: dict[str, list[int]] = {}
    for row, name in enumerate(groups):
        members.setdefault(name, []).append(row)
    rest = members.pop("", None)
    lists = list(members.values())
    share = torch.zeros(len(lists), len(similarity))
    for place, inside in enumerate(lists):
        share[place, inside] = 1 / len(inside)
    means = share @ similarity @ share.T
    names = list(members)
    parts = [(names[place], lists[place]) for place in _leaves(means)]
    if rest:
        parts.append((NO_GROUP, rest))
    rows: list[int] = []
    blocks: list[Block] = []
    for name, inside in parts:
        chosen = torch.tensor(inside)
        leaves = _leaves(similarity[chosen][:, chosen])
        blocks.append(Block(name, len(rows), len(rows) + len(inside)))
        rows += [inside[leaf] for leaf in leaves]
    return Order(rows, tuple(blocks))


def order_by_tree(similarity: Float[Tensor, "U U"], texts: Sequence[str], most: int) -> Order:
    """All texts clustered; its blocks are at most ``most`` clusters, named by their middle text.

    The middle text of a cluster is the one most similar to the others.
    """
    from scipy.cluster.hierarchy import fcluster, leaves_list

    tree = _linkage(similarity)
    rows: list[int] = leaves_list(tree).tolist()
    cluster = fcluster(tree, most, criterion="maxclust")[rows]
    bounds = [0, *(np.flatnonzero(np.diff(cluster)) + 1).tolist(), len(rows)]
    blocks: list[Block] = []
    for start, stop in pairwise(bounds):
        inside = torch.tensor(rows[start:stop])
        middle = int(inside[similarity[inside][:, inside].sum(dim=1).argmax()])
        blocks.append(Block(texts[middle], start, stop))
    return Order(rows, tuple(blocks), tree)


def largest(blocks: Sequence[Block], most: int) -> list[Block]:
    """At most ``most`` blocks, the largest, in their order; of those alike some from everywhere."""
    if len(blocks) <= most:
        return list(blocks)
    least = sorted((block.stop - block.start for block in blocks), reverse=True)[most]
    larger = [block for block in blocks if block.stop - block.start > least]
    alike = [block for block in blocks if block.stop - block.start == least]
    wanted = most - len(larger)
    some = [alike[place * len(alike) // wanted] for place in range(wanted)]
    return sorted([*larger, *some], key=lambda block: block.start)


def spread_out(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels: as near as can be to where they are wanted, and ``gap`` apart.

    Args:
        wanted: Ascending; all of them must fit between ``low`` and ``high``.
        gap: Least distance between two.
        low: Least place.
        high: Greatest place.
    """
    from scipy.optimize import isotonic_regression

    if not wanted:
        return []
    steps = gap * np.arange(len(wanted))
    near: Any = isotonic_regression(np.asarray(wanted, dtype=float) - steps).x
    return (np.clip(near, low, high - steps[-1]) + steps).tolist()


def _leaves(similarity: Float[Tensor, "U U"]) -> list[int]:
    if len(similarity) < 3:
        return list(range(len(similarity)))
    from scipy.cluster.hierarchy import leaves_list

    return leaves_list(_linkage(similarity)).tolist()


def _linkage(similarity: Float[Tensor, "U U"]) -> Any:  # noqa: ANN401 - scipy is untyped
    """Average linkage on 1 − similarity, leaves ordered so that neighbours are alike."""
    from scipy.cluster.hierarchy import linkage, optimal_leaf_ordering

    rows, columns = np.triu_indices(len(similarity), k=1)
    distances = (1 - (similarity + similarity.T) / 2).clamp(min=0).double()
    condensed = distances[torch.from_numpy(rows), torch.from_numpy(columns)].numpy()
    return optimal_leaf_ordering(linkage(condensed, method="average"), condensed)
