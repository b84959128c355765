"""The fusion head's loss: present or absent, and where; what is not known is left out."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from medfilip_model.fusion import FusionOutput

# A finding of 1 image in 200 would else outweigh 200 negatives: one example would steer a step.
_HEAVIEST = 20.0


class FusionTotals(NamedTuple):
    """What the sums of a whole batch are divided by, so that the losses of its parts add up.

    Attributes:
        presence: Sum of the weights of all known labels.
        location: Number of known places of present entities.
    """

    presence: Float[Tensor, ""]
    location: Float[Tensor, ""]


def class_balance(labels: Float[Tensor, "N K"]) -> Float[Tensor, " K"]:
    """Weight of each entity's present labels: as many as there are absent ones, over the present.

    With it both classes of an entity weigh the same. It lies within [1/20, 20]; 1 where nothing is
    known. Logits of a head trained with it estimate log(odds) + log(weight): take off the latter
    for probabilities.

    Args:
        labels: 1, 0 or NaN, of the training images.
    """
    present, absent = (labels == 1).sum(dim=0), (labels == 0).sum(dim=0)
    weight = (absent / present.clamp(min=1)).clamp(1 / _HEAVIEST, _HEAVIEST)
    return torch.where(present + absent > 0, weight, 1)


def fusion_totals(
    labels: Float[Tensor, "N K"],
    places: Float[Tensor, "N K R"] | None,
    *,
    balance: Float[Tensor, " K"] | None = None,
) -> FusionTotals:
    """The denominators of `fusion_loss` for a whole batch, whose parts are then computed apart.

    Args:
        labels: 1, 0 or NaN.
        places: Likewise; None where there is no location.
        balance: Weight of each entity's present labels.
    """
    where = labels.new_zeros(()) if places is None else _known_places(labels, places).sum()
    return FusionTotals(_weights(labels, balance).sum(), where.to(labels.dtype))


def fusion_loss(
    output: FusionOutput,
    labels: Float[Tensor, "N K"],
    places: Float[Tensor, "N K R"] | None,
    *,
    balance: Float[Tensor, " K"] | None = None,
    totals: FusionTotals | None = None,
) -> Float[Tensor, ""]:
    """Binary cross-entropy of presence over known labels, and of places where present and known.

    Each term is a weighted mean, and the two are added (MedKLIP adds its two with equal weights
    as well). Without a known label the loss is 0 and so is its gradient.

    Args:
        output: Of the head.
        labels: 1 present, 0 absent, NaN not known.
        places: 1 there, 0 not there, NaN not known; looked at where the entity is present.
        balance: Weight of each entity's present labels (`class_balance`).
        totals: Of the whole batch, where `output` is of a part of it; by default of these images.

    Returns:
        A scalar in float32; over the parts of a batch it adds up to the loss of the whole.
    """
    totals = totals or fusion_totals(labels, places, balance=balance)
    loss = _mean(output.presence, labels, _weights(labels, balance), totals.presence)
    if output.location is None or places is None:
        return loss
    return loss + _mean(output.location, places, _known_places(labels, places), totals.location)


def _mean(logits: Tensor, truth: Tensor, weights: Tensor, total: Tensor) -> Tensor:
    # NaN times a weight of 0 is NaN, in the gradient too: the truth is replaced where unknown.
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    truth = truth.nan_to_num().to(logits.dtype)
    each = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return (each * weights).sum() / torch.where(total > 0, total, 1)


def _weights(labels: Tensor, balance: Tensor | None) -> Tensor:
    """What each label counts: 0 where not known, the balance where present, else 1."""
    known = (~labels.isnan()).to(labels.dtype)
    return known if balance is None else torch.where(labels == 1, balance.to(labels), known)


def _known_places(labels: Tensor, places: Tensor) -> Tensor:
    return ((labels == 1)[..., None] & ~places.isnan()).to(labels.dtype)
