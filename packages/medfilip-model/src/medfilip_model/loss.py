"""The loss of one batch: unique texts encoded once, gathered, compared with soft targets."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from ssm import Calibration, LabelBank, itm_loss
from torch import Tensor, nn

from medfilip_model.config import TargetConfig
from medfilip_model.data.collate import Batch
from medfilip_model.towers import trim


@dataclass(frozen=True)
class Targets:
    """All that the loss needs to know of the training texts.

    Attributes:
        bank: Embeddings of the U texts for the targets, in the order of the text table.
        tokens: [U, L] their token ids for the text tower.
        group: [U] category of each text where similarities across categories are masked.
        config: Variant of the loss.
        calibration: Of the similarities of the bank.
    """

    bank: LabelBank
    tokens: Int[Tensor, "U L"]
    group: Int[Tensor, " U"] | None
    config: TargetConfig
    calibration: Calibration

    def of(self, batch: Batch) -> Float[Tensor, "N M"]:
        """The soft targets S of a batch (eq. 4-5)."""
        group = None if self.group is None else self.group[batch.text]
        return self.bank.targets(
            batch.text,
            batch.owner,
            n_owners=len(batch.images),
            group=group,
            calibration=self.calibration,
        )


def similarity(
    model: nn.Module,
    pixels: Float[Tensor, "N 1 H W"],
    text: Int[Tensor, " M"],
    tokens: Int[Tensor, "U L"],
) -> tuple[Float[Tensor, "N M"], Float[Tensor, ""]]:
    """The cosine similarity P of a batch (eq. 8) and the logit scale.

    Findings repeat within a batch: each unique text goes through the tower once, and its embedding
    is gathered for every finding that it stands for. P and its gradient are those of encoding all.

    Args:
        model: `MedFILIP`, maybe wrapped.
        pixels: Standardised images.
        text: Row of `tokens` for each text of the batch.
        tokens: Token ids of every training text.

    Returns:
        P and the scale.
    """
    unique, place = text.unique(return_inverse=True)
    images, texts, scale = model(pixels, trim(tokens[unique]))
    return images @ texts[place].T, scale


def batch_loss(
    model: nn.Module, pixels: Float[Tensor, "N 1 H W"], batch: Batch, targets: Targets
) -> Float[Tensor, ""]:
    """The ITM loss (eq. 9) of one batch.

    Args:
        model: `MedFILIP`, maybe wrapped.
        pixels: The batch's images, standardised and augmented.
        batch: Texts and owners.
        targets: Soft targets.

    Returns:
        A scalar.
    """
    predicted, scale = similarity(model, pixels, batch.text, targets.tokens)
    return itm_loss(predicted, targets.of(batch), logit_scale=scale, variant=targets.config.variant)
