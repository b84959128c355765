"""What a batch's similarities should be: soft targets, or the identity."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from ssm import Calibration, LabelBank
from torch import Tensor

from medfilip_model.config import LossConfig, TargetConfig
from medfilip_model.data.collate import Batch
from medfilip_model.errors import ConfigError
from medfilip_model.loss.attributes import Attributes


@dataclass(frozen=True)
class Targets:
    """All that the loss needs to know of the training texts and entities.

    Attributes:
        bank: Embeddings of the U texts for the targets, in the order of the text table; None where
            the targets are the identity, which needs no encoder.
        tokens: [U, L] their token ids for the text tower.
        group: [U] category of each text where similarities across categories are masked.
        config: Which targets, and how an image's texts are pooled.
        loss: Which loss compares them.
        calibration: Of the similarities of the bank.
        entities: [K, L] token ids of the entities' explanations, a fusion head's queries; None for
            a dual encoder alone.
        balance: [K] weight of an entity's present labels (`class_balance` of the training labels);
            None weighs all alike.
        attributes: Visual attributes of the findings; None where the loss does not ask for them.

    Raises:
        ConfigError: If the targets are soft and there is no bank.
    """

    bank: LabelBank | None
    tokens: Int[Tensor, "U L"]
    group: Int[Tensor, " U"] | None
    config: TargetConfig
    loss: LossConfig
    calibration: Calibration
    entities: Int[Tensor, "K _"] | None = None
    balance: Float[Tensor, " K"] | None = None
    attributes: Attributes | None = None

    def __post_init__(self) -> None:
        if self.bank is None and self.config.kind != "identity":
            raise ConfigError(
                f"targets of kind {self.config.kind!r} need a bank of text embeddings: build one, "
                "or use kind 'identity'"
            )

    def to(self, device: str | torch.device) -> "Targets":
        """The same targets with every tensor on a device, so that no step waits for a copy."""

        def move(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        return replace(
            self,
            bank=None if self.bank is None else self.bank.to(device),
            tokens=self.tokens.to(device),
            group=move(self.group),
            calibration=self.calibration.to(device),
            entities=move(self.entities),
            balance=move(self.balance),
            attributes=None if self.attributes is None else self.attributes.to(device),
        )

    def of(self, batch: Batch) -> Float[Tensor, "N M"]:
        """The targets S of a batch (eq. 4-5)."""
        return self.between(batch.text, batch.owner, len(batch.images))

    def between(
        self, text: Int[Tensor, " M"], owner: Int[Tensor, " M"], n_owners: int
    ) -> Float[Tensor, "N M"]:
        """S of M texts and the images that own them, such as those of all processes together.

        Args:
            text: Row of `tokens` of each.
            owner: The image of each, below `n_owners`.
            n_owners: N.

        Returns:
            S in [0, 1]; an image without a text has a row of zeros.
        """
        if self.bank is None or self.config.kind == "identity":
            return identity_targets(text, owner, n_owners)
        return self.bank.targets(
            text,
            owner,
            n_owners=n_owners,
            group=None if self.group is None else self.group[text.to(self.group.device)],
            pool=self.config.pool,
            calibration=self.calibration,
        )


def identity_targets(
    text: Int[Tensor, " M"], owner: Int[Tensor, " M"], n_owners: int
) -> Float[Tensor, "N M"]:
    """1 where an image owns a text, or an equal one of another image; else 0.

    Equal texts count because nothing in the batch could tell them apart: taken as negatives they
    would teach the opposite of what they say.
    """
    same = (text[:, None] == text[None, :]).float()
    return same.new_zeros(n_owners, len(text)).index_add(0, owner, same).clamp(max=1)
