"""From a batch of this rank to the loss of the batch of all ranks.

Only integers, labels and embeddings travel. Every rank computes the whole loss, N x M in size, from
the gathered rows: so each loss, also one that looks at columns, is that of one process. (The rows
that `ssm.global_targets` gives a rank would serve losses that look at rows alone.)

Legend: lower case of this rank, upper case of all ranks; N images, M texts, U unique texts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from medfilip_model.data.collate import Batch
from medfilip_model.fusion import FusionOutput
from medfilip_model.loss import Targets, attribute_loss, embedding_loss, fusion_loss
from medfilip_model.training.forward import Outputs
from medfilip_model.training.gather import exchange, gather_rows, ranks


@dataclass(frozen=True)
class Whole:
    """What the loss needs to know of the batch of all ranks.

    Attributes:
        text: Position of each text in the table.
        owner: Its image.
        place: Its row among the unique texts of all ranks.
        labels: Entities that the images show; None without a fusion head.
        places: Where they show them.
        images: Images of each rank.
        unique: Unique texts of each rank.
        asked: What the ranks asked for, their bits together.
    """

    text: Int[Tensor, " M"]
    owner: Int[Tensor, " M"]
    place: Int[Tensor, " M"]
    labels: Float[Tensor, "N K"] | None
    places: Float[Tensor, "N K R"] | None
    images: tuple[int, ...]
    unique: tuple[int, ...]
    asked: int


def gather_batch(
    batch: Batch, place: Int[Tensor, " m"], unique: int, asked: int, device: torch.device
) -> Whole:
    """Bring the integers and labels of a batch together. Collective; one process keeps its own.

    Args:
        batch: This rank's.
        place: Row of each of its texts among its unique texts.
        unique: How many those are.
        asked: Bits that all ranks are to hear of.
        device: Where the loss is computed.
    """
    rank, world = ranks()
    own = [batch.text, batch.owner, place]
    labels, where = (None if x is None else x.to(device) for x in (batch.labels, batch.places))
    if world == 1:
        text, owner, row = (x.to(device, non_blocking=True) for x in own)
        count = len(batch.images)
        return Whole(text, owner, row, labels, where, (count,), (unique,), asked)
    table = exchange([len(batch.images), len(batch.text), unique, asked], device)
    images, texts, uniques, asks = (tuple(column) for column in zip(*table, strict=True))
    own[1] = own[1] + sum(images[:rank])
    own[2] = own[2] + sum(uniques[:rank])
    text, owner, row = gather_rows(torch.stack(own, dim=1).to(device), texts).unbind(1)
    bits = 0
    for bit in asks:
        bits |= bit
    return Whole(
        text,
        owner,
        row,
        None if labels is None else gather_rows(labels, images),
        None if where is None else gather_rows(where, images),
        images,
        uniques,
        bits,
    )


def loss_of(whole: Whole, targets: Targets) -> Callable[[Outputs], Float[Tensor, ""]]:
    """The loss of a batch as a function of this rank's outputs.

    Args:
        whole: From `gather_batch`.
        targets: What the similarities should be, on the same device.
    """
    count = sum(whole.images)
    wanted = targets.between(whole.text, whole.owner, count)
    known = targets.attributes
    shown = None if known is None else known.of(whole.text, whole.owner, count)

    def loss(own: Outputs) -> Tensor:
        images = gather_rows(own.images, whole.images)
        texts = gather_rows(own.texts, whole.unique)[whole.place]
        total = embedding_loss(images, texts, own.scale, wanted, targets.loss)
        if shown is not None and own.attributes is not None:
            # Every rank has embedded them all; the first one's stand for them, so that their
            # gradients are not counted once for each rank.
            rows = len(own.attributes)
            phrases = gather_rows(own.attributes, (rows,) * len(whole.images))[:rows]
            total = total + attribute_loss(images, phrases, own.scale, shown, targets.loss)
        if own.presence is None or whole.labels is None:
            return total
        location = None if own.location is None else gather_rows(own.location, whole.images)
        said = FusionOutput(gather_rows(own.presence, whole.images), location, None)
        return total + fusion_loss(said, whole.labels, whole.places, balance=targets.balance)

    return loss
