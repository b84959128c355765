"""The visual attributes of findings, each a text of its own that images are matched with.

A finding's text names what it is and explains it in one sentence; two findings that share a look
share a few words of it. Asked for one by one, "hazy grey density" is learnt from every finding
that is hazy, so that an explanation made of known attributes says something of a disease that no
training image showed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from iki_knowledge import KnowledgeBase
from jaxtyping import Float, Int
from torch import Tensor

from medfilip_model.config import LossConfig
from medfilip_model.errors import ConfigError
from medfilip_model.loss.contrastive import embedding_loss


@dataclass(frozen=True)
class Attributes:
    """The attributes of a training set's findings.

    Attributes:
        names: A ids of the dictionary, e.g. ``"density:hazy"``.
        tokens: [A, L] token ids of their texts.
        shown: [U, A] 1 where the category of a training text has the attribute.
    """

    names: tuple[str, ...]
    tokens: Int[Tensor, "A L"]
    shown: Float[Tensor, "U A"]

    @classmethod
    def build(
        cls,
        groups: Sequence[str],
        kb: KnowledgeBase,
        tokenize: Callable[[Sequence[str]], Tensor],
    ) -> "Attributes":
        """The attributes that any of the training texts has.

        Args:
            groups: Category of each of U texts; empty for a text of none.
            kb: Dictionary.
            tokenize: Of the text tower.

        Raises:
            ConfigError: If no text is of a category with attributes, as with whole reports.
        """
        has = {group: set(kb[group].attributes) for group in set(groups) if group}
        used = [a for a in kb.attributes if any(a.id in own for own in has.values())]
        if not used:
            raise ConfigError(
                "loss.attributes needs texts of findings: set data.text = 'findings', "
                "or loss.attributes = 0"
            )
        table = [[float(a.id in has.get(group, ())) for a in used] for group in groups]
        return cls(tuple(a.id for a in used), tokenize([a.text for a in used]), torch.tensor(table))

    def to(self, device: str | torch.device) -> "Attributes":
        """The same with its tensors on a device."""
        return Attributes(self.names, self.tokens.to(device), self.shown.to(device))

    def of(
        self, text: Int[Tensor, " M"], owner: Int[Tensor, " M"], n_owners: int
    ) -> Float[Tensor, "N A"]:
        """What N images show: 1 where any of an image's texts has the attribute.

        Args:
            text: Row of the text table of each label.
            owner: Its image.
            n_owners: N.
        """
        shown = self.shown[text.to(self.shown.device)]
        rows = owner.to(shown.device)[:, None].expand_as(shown)
        return shown.new_zeros(n_owners, len(self.names)).scatter_reduce(0, rows, shown, "amax")


def attribute_loss(
    images: Float[Tensor, "N D"],
    texts: Float[Tensor, "A D"],
    scale: Float[Tensor, ""],
    shown: Float[Tensor, "N A"],
    config: LossConfig,
) -> Float[Tensor, ""]:
    """The dual encoder's loss against the attributes' texts, times its weight.

    Args:
        images: Unit vectors.
        texts: Unit vectors of the attributes' texts.
        scale: Of the cosines.
        shown: From `Attributes.of`.
        config: Which loss, and the weight.
    """
    plain = config.model_copy(update={"semantic_reward": 0.0})
    return config.attributes * embedding_loss(images, texts, scale, shown, plain)
