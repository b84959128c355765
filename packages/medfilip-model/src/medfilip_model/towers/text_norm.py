"""A batch normalisation behind the text tower: texts of one subject start far from each other."""

from collections.abc import Generator
from contextlib import contextmanager

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional


class NormedText(nn.Module):
    """A text tower whose embeddings are centred and scaled over the texts that it is shown.

    A transformer that has learnt nothing gives all sentences of radiology nearly the same vector:
    what they have in common is taken off here, so that what they differ in is seen from the start.

    Attributes:
        tower: The tower.
        norm: Keeps running statistics, with which texts are embedded after training.
    """

    def __init__(self, tower: nn.Module, embed: int) -> None:
        """Take a tower with `embed` channels."""
        super().__init__()
        self.tower = tower
        self.norm = nn.BatchNorm1d(embed)

    def forward(self, tokens: Int[Tensor, "M L"]) -> Float[Tensor, "M D"]:
        """Embed M texts; in training a single one, which has no variance, as after it."""
        found = self.tower(tokens).float()
        if self.norm.training and len(found) > 1:
            return self.norm(found)
        norm = self.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        return functional.batch_norm(
            found, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )


@contextmanager
def settled(tower: nn.Module) -> Generator[None]:
    """Within it a text tower embeds as after training: few texts do not stand for all."""
    norms = [m.norm for m in tower.modules() if isinstance(m, NormedText)]
    trained = [norm for norm in norms if norm.training]
    for norm in trained:
        norm.eval()
    try:
        yield
    finally:
        for norm in trained:
            norm.train()
