"""What every image trunk gives, whichever library it is of."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class Trunk(Protocol):
    """An `nn.Module` that runs once and gives both the pooled features and the last map.

    Attributes:
        features: Size F of the pooled features.
        channels: Size C of the map.
    """

    features: int
    channels: int

    def __call__(
        self, pixels: Float[Tensor, "N 1 H W"]
    ) -> tuple[Float[Tensor, "N F"], Float[Tensor, "N C h w"]]:
        """Return the pooled features, and the last feature map before pooling."""
        ...

    def pool_map(self, grid: Float[Tensor, "N C h w"]) -> Float[Tensor, "N F"]:
        """Pool a map, of any size."""
        ...

    def compile(self, *args: object, **kwargs: object) -> None:
        """`nn.Module.compile`."""
        ...
