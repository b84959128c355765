"""Vectors of length 1 and their cosine similarity. Pure functions."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def normalise(embeddings: Float[Tensor, "*rows D"]) -> Float[Tensor, "*rows D"]:
    """Scale each vector to length 1, however long or short it is; a zero vector stays zero."""
    if embeddings.shape[-1] == 0:
        return embeddings
    # The square of 1e30 is not a float32: by its largest entry first. The result does not depend
    # on that factor, and so the gradient need not pass through it.
    largest = embeddings.detach().abs().amax(dim=-1, keepdim=True)
    return functional.normalize(embeddings / largest.masked_fill(largest == 0, 1), dim=-1)


def inner(a: Float[Tensor, "A D"], b: Float[Tensor, "B D"]) -> Float[Tensor, "A B"]:
    """A Bᵀ in the precision of the vectors, also where the caller has autocast on.

    A training loop computes its targets inside its autocast block: targets of 8 bits would be
    wrong by 0.004 before calibration stretches them.
    """
    if not torch.is_autocast_enabled(a.device.type):
        return a @ b.T
    with torch.autocast(a.device.type, enabled=False):
        return a @ b.T


def cosine(a: Float[Tensor, "A D"], b: Float[Tensor, "B D"]) -> Float[Tensor, "A B"]:
    """Cosine similarity of every row of ``a`` with every row of ``b``, in [−1, 1] up to rounding.

    With ``a is b`` this is K = E Eᵀ of eq. 4. A zero vector is similar to nothing (0), itself
    included.
    """
    return inner(normalise(a), normalise(b))
