"""The image tower: a trunk of timm, open_clip or torchvision that reads one grey channel."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medfilip_model.config import ImageTowerConfig
from medfilip_model.towers.stem import to_grey
from medfilip_model.towers.trunk import Trunk


class ImageTower(nn.Module):
    """An image encoder.

    Attributes:
        trunk: The network of the library.
        features: Size F of the pooled features.
        channels: Size C of the last feature map.
    """

    def __init__(self, trunk: Trunk) -> None:
        """Take a trunk that reads one channel."""
        super().__init__()
        self.trunk = trunk
        self.features = trunk.features
        self.channels = trunk.channels

    def forward(self, pixels: Float[Tensor, "N 1 H W"]) -> Float[Tensor, "N F"]:
        """Return the pooled features."""
        return self.trunk(pixels)[0]

    def forward_map(self, pixels: Float[Tensor, "N 1 H W"]) -> Float[Tensor, "N C h w"]:
        """Return the last feature map before pooling.

        Of a transformer, the patch tokens after its last normalisation as a grid, without class
        token.
        """
        return self.trunk(pixels)[1]

    def both(
        self, pixels: Float[Tensor, "N 1 H W"]
    ) -> tuple[Float[Tensor, "N F"], Float[Tensor, "N C h w"]]:
        """Return `forward` and `forward_map` of one pass."""
        return self.trunk(pixels)

    def pool_map(self, grid: Float[Tensor, "N C h w"]) -> Float[Tensor, "N F"]:
        """Pool a map of any size, so also a piece of it, down to one location.

        Of the whole map it is `forward`, but for a transformer that reads a class token: there it
        is the mean over patches of what the head makes of each.
        """
        return self.trunk.pool_map(grid)

    def locate(self, grid: Float[Tensor, "N C h w"]) -> Float[Tensor, "N F h w"]:
        """Return the features of each location alone, as if the map were that location."""
        count, channels, height, width = grid.shape
        single = grid.movedim(1, -1).reshape(-1, channels, 1, 1)
        return self.pool_map(single).reshape(count, height, width, -1).movedim(-1, 1)

    def compile(self, *args: object, **kwargs: object) -> None:
        """Compile the trunk in place, which all of the methods above run."""
        self.trunk.compile(*args, **kwargs)


def image_tower(config: ImageTowerConfig, size: int, *, load: bool = True) -> ImageTower:
    """Make the image encoder.

    The stem reads one channel: its kernel is the sum of the library's kernels over R, G and B, so
    that a grey image x gives exactly what (x, x, x) gave. Images come standardised (mean 0,
    deviation 1), which is what a channel of a natural image is after its library's own
    normalisation; so nothing is left to fold into the kernel but that sum.

    Args:
        config: Library, name, weights and widths.
        size: Side of the images in pixels; positional embeddings are resampled to it.
        load: Whether the weights that `config` names are read; a checkpoint's follow where not.

    Returns:
        A module [N, 1, size, size] → [N, F].

    Raises:
        ConfigError: If the library has no such model, the model takes no such widths or size, or
            the weights are not to be had or do not fit.
    """
    if config.kind == "timm":
        from medfilip_model.towers.timm_trunk import timm_trunk as make
    elif config.kind == "open_clip":
        from medfilip_model.towers.open_clip_trunk import open_clip_trunk as make
    else:
        from medfilip_model.towers.torchvision_trunk import torchvision_trunk as make
    tower = ImageTower(make(config, size, load=load))
    to_grey(tower)
    # What convolutions are fastest in; tensors of other ranks are left as they are.
    return tower.to(memory_format=torch.channels_last)
