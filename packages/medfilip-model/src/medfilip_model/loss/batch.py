"""The loss of one batch: unique texts encoded once, gathered, compared with the targets."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medfilip_model.data.collate import Batch
from medfilip_model.errors import ConfigError
from medfilip_model.loss.attributes import attribute_loss
from medfilip_model.loss.contrastive import embedding_loss
from medfilip_model.loss.entities import fusion_loss
from medfilip_model.loss.targets import Targets
from medfilip_model.towers import settled


def batch_loss(
    model: nn.Module, pixels: Float[Tensor, "N 1 H W"], batch: Batch, targets: Targets
) -> Float[Tensor, ""]:
    """The loss of a batch that passes the towers in one piece.

    Findings repeat within a batch: each unique text goes through the tower once, and its embedding
    is gathered for every finding that it stands for. Loss and gradient are those of encoding all.
    A model with a fusion head is asked for the entities besides, and the two losses are added.

    Args:
        model: `MedFILIP`, maybe wrapped.
        pixels: The batch's images, standardised and augmented.
        batch: Texts and owners, labels and places.
        targets: What the similarities should be, and the entities.

    Returns:
        A scalar.

    Raises:
        ConfigError: If the model has a fusion head and the targets or the batch no entities.
    """
    core = unwrapped(model)
    queries = entity_queries(model, targets)
    unique, place = batch.text.unique(return_inverse=True)
    tokens = core.tokenizer.trim(targets.tokens[unique.to(targets.tokens.device)])
    out = model(pixels, tokens.to(pixels.device))
    loss = embedding_loss(out.images, out.texts[place], out.scale, targets.of(batch), targets.loss)
    if (known := targets.attributes) is not None:
        shown = known.of(batch.text, batch.owner, len(batch.images))
        phrases = core.encode_tokens(known.tokens.to(core.device))
        loss = loss + attribute_loss(out.images, phrases, out.scale, shown, targets.loss)
    if queries is None:
        return loss
    if batch.labels is None:
        raise ConfigError("the model has a fusion head, and the batch has no labels of entities")
    found = core.fusion(out.map, queries)
    return loss + fusion_loss(found, batch.labels, batch.places, balance=targets.balance)


def entity_queries(model: nn.Module, targets: Targets) -> Float[Tensor, "K D"] | None:
    """Embed the entities' explanations, once a step, as the fusion head's queries.

    Without gradient: the text tower learns from the dual encoder alone. That keeps the space of
    texts free of what suits the entities of the training set, in which unseen ones are to be found,
    and spares the step K texts' backward pass. MedKLIP's text encoder is frozen as well.

    Args:
        model: `MedFILIP`, maybe wrapped.
        targets: Whose entities.

    Returns:
        Unit vectors; None where the model has no fusion head.

    Raises:
        ConfigError: If it has one and the targets have no entities.
    """
    core = unwrapped(model)
    if core.fusion is None:
        return None
    if targets.entities is None:
        raise ConfigError("the model has a fusion head, and the targets name no entities for it")
    with torch.no_grad(), settled(core):
        return core.encode_tokens(targets.entities.to(core.device))


def unwrapped(model: nn.Module) -> Any:  # noqa: ANN401 - MedFILIP, or what a test has in its place
    """The model within what distributes it."""
    return getattr(model, "module", model)
