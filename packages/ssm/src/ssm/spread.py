"""How a bank's similarities are spread: their range, and the texts nearest and farthest. Pure."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from ssm.calibration import Calibration
from ssm.errors import SsmError
from ssm.similarity import normalise

_BINS = 4000  # Over [-1, 1]: percentiles are exact to 0.0005.
_BLOCK_ELEMENTS = 2**24


@dataclass(frozen=True)
class Pair:
    """Two rows and their cosine."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True)
class Spread:
    """The similarities between different texts.

    Attributes:
        pairs: Number of pairs, each counted once.
        mean: Mean similarity.
        percentiles: Similarity at 0, 5, 50, 95 and 100 % of the pairs; cosines to 0.0005, the ends
            exactly.
        nearest: The most similar pairs, best first.
        farthest: The least similar pairs, worst first.
    """

    pairs: int
    mean: float
    percentiles: dict[int, float]
    nearest: tuple[Pair, ...]
    farthest: tuple[Pair, ...]


def measure_spread(
    embeddings: Float[Tensor, "U D"], top: int = 5, calibration: Calibration | None = None
) -> Spread:
    """Measure all pairs of different rows, in blocks, so that memory stays bounded.

    Args:
        embeddings: One row per text, of any length.
        top: How many nearest and farthest pairs to keep.
        calibration: Applied to rows and cosines, without a clamp; by default none.

    Raises:
        SsmError: There are fewer than two rows.
    """
    count = len(embeddings)
    if count < 2:
        raise SsmError(f"the spread of similarities needs two texts, the bank has {count}")
    calibration = calibration or Calibration()
    unit = calibration.rows(normalise(embeddings)).cpu().float()
    histogram, total = torch.zeros(_BINS), 0.0
    nearest: list[Pair] = []
    farthest: list[Pair] = []
    rows = max(1, _BLOCK_ELEMENTS // count)
    for start in range(0, count, rows):
        block = unit[start : start + rows] @ unit.T
        above = torch.ones_like(block, dtype=torch.bool).triu(start + 1)
        values = block[above].clamp(-1, 1)
        histogram += torch.histc(values, _BINS, -1, 1)
        total += float(values.double().sum())
        nearest = _best(nearest, block, above, start, top, sign=1)
        farthest = _best(farthest, block, above, start, top, sign=-1)
    pairs = count * (count - 1) // 2
    percentiles = {q: _percentile(histogram, q) for q in (5, 50, 95)}
    ends = {0: farthest[0].similarity, 100: nearest[0].similarity}

    def mapped(cosine: float) -> float:
        return float(calibration.apply(torch.tensor([[cosine]], dtype=torch.float64)))

    return Spread(
        pairs=pairs,
        mean=mapped(total / pairs),
        percentiles={q: mapped(value) for q, value in sorted((percentiles | ends).items())},
        nearest=tuple(replace(pair, similarity=mapped(pair.similarity)) for pair in nearest),
        farthest=tuple(replace(pair, similarity=mapped(pair.similarity)) for pair in farthest),
    )


def _best(
    kept: list[Pair], block: Tensor, above: Tensor, start: int, top: int, *, sign: int
) -> list[Pair]:
    """Merge the best pairs of a block (``sign`` 1: nearest, −1: farthest) into those kept."""
    scores = torch.where(above, sign * block, -torch.inf).flatten()
    best = scores.topk(min(top, int(above.sum())))
    width = block.shape[1]
    found = [
        Pair(start + place // width, place % width, sign * score)
        for score, place in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]
    return sorted([*kept, *found], key=lambda pair: -sign * pair.similarity)[:top]


def _percentile(histogram: Tensor, q: int) -> float:
    """Middle of the bin in which the share of pairs reaches q %."""
    reached = histogram.double().cumsum(0) >= histogram.double().sum() * q / 100
    place = int(reached.int().argmax())
    return -1 + (place + 0.5) * 2 / _BINS
