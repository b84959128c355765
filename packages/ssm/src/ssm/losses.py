"""Losses for soft targets, each one short pure function.

P [N, M] is the cosine similarity of image and text, S [N, M] the soft target, s the logit scale.
"""

from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ssm.errors import SsmError

Variant = Literal["paper", "official"]


def itm_loss(
    similarity: Float[Tensor, "N M"],
    targets: Float[Tensor, "N M"],
    *,
    logit_scale: Float[Tensor, ""] | float,
    variant: Variant = "paper",
) -> Float[Tensor, ""]:
    """Image-text matching loss of eq. 9.

    ``"paper"``: MSE(P, S) + CE(s·P, S), with P the bare cosine in the squared error and the
    soft-target cross-entropy over the texts of each image.
    ``"official"``: MSE(s·P, S) + BCE(s·P, S). The published code takes the scaled logits in both
    terms and a sigmoid in place of the softmax; it computes the cross-entropy only to log it.

    Args:
        similarity: P, cosines in [−1, 1].
        targets: S in [0, 1].
        logit_scale: s itself, not its logarithm.
        variant: Which of the two.

    Raises:
        SsmError: The variant is unknown.
    """
    logits = similarity * logit_scale
    if variant == "paper":
        return _squared_error(similarity, targets) + soft_cross_entropy(logits, targets)
    if variant == "official":
        return _squared_error(logits, targets) + soft_sigmoid(logits, targets)
    raise SsmError(f"unknown variant {variant!r}: use 'paper' or 'official'")


def soft_cross_entropy(
    logits: Float[Tensor, "N M"], targets: Float[Tensor, "N M"]
) -> Float[Tensor, ""]:
    """Mean over images of −Σ_j T_ij log softmax(logits_i)_j, with T the rows of S scaled to sum 1.

    The cross-entropy of eq. 9. An image without a text (a row of zeros) has nothing to be matched
    with: it adds 0 to the sum and counts in the mean.
    """
    totals = targets.sum(dim=1, keepdim=True)
    shares = targets / totals.masked_fill(totals == 0, 1)
    total = -(shares * functional.log_softmax(logits, dim=1)).sum()
    return total / max(len(logits), 1)


def soft_sigmoid(logits: Float[Tensor, "N M"], targets: Float[Tensor, "N M"]) -> Float[Tensor, ""]:
    """Mean over all pairs of the binary cross-entropy of sigmoid(logits) with S.

    The term that the published code adds in place of eq. 9's cross-entropy.
    """
    total = functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    return total / max(logits.numel(), 1)


def _squared_error(prediction: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error over all pairs; 0, not NaN, when there is none."""
    return (prediction - targets).square().sum() / max(prediction.numel(), 1)
