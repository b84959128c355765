"""What the similarities should be (targets), and how far they are from it (loss)."""

from typing import Annotated, Literal

from pydantic import Field

from medfilip_model.config.base import Frozen


class TargetConfig(Frozen):
    """The targets S of a batch.

    Attributes:
        kind: ``ssm``, soft targets by text similarity (eq. 4-5), or ``identity``: 1 for an image's
            own texts and for equal texts, else 0.
        encoder: Text encoder of the targets as `ssm.load_encoder` names it; None lets ssm choose.
        group: Whether similarities across categories are masked, as the official code does.
        pool: How an image's texts are pooled; the paper takes the maximum.
        calibration: Share of the pairs of texts, the least similar ones, that count as not similar
            at all (`ssm.fit_calibration`, ``quantile``); None takes the cosines as they are, as the
            paper does.
    """

    kind: Literal["ssm", "identity"] = "ssm"
    encoder: str | None = None
    group: bool = False
    pool: Literal["max", "mean", "softmax"] = "max"
    calibration: Annotated[float, Field(gt=0, lt=1)] | None = None


class LossConfig(Frozen):
    """The loss.

    Attributes:
        name: ``itm``, image-text matching of eq. 9; ``sigmoid``, binary cross-entropy of every pair
            with the soft target; ``infonce``, cross-entropy over texts and over images.
        variant: Of ``itm``: the paper's, or the official code's.
        semantic_reward: Weight of 1 - sum_j softmax(P_i)_j S_ij, the expected semantic
            dissimilarity of the text that would be retrieved.
        attributes: Weight of the same loss against the texts of the visual attributes that the
            dictionary gives the findings (`medfilip_model.loss.Attributes`); the paper has none.
    """

    name: Literal["itm", "sigmoid", "infonce"] = "itm"
    variant: Literal["paper", "official"] = "paper"
    semantic_reward: Annotated[float, Field(ge=0)] = 0.0
    attributes: Annotated[float, Field(ge=0)] = 0.0
