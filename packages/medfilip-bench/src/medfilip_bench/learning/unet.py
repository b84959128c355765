"""A UNet on any backbone: segmentation-models-pytorch's decoder over the maps that there are."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Num
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import Tensor, nn

from medfilip_bench.models.base import Backbone

# Channels of the decoder at the image's own resolution; each level below doubles them, to 16 times.
_FINEST = 8


class UNet(nn.Module):
    """Encoder, decoder, one logit a pixel.

    A level of the decoder stands for each power of two from 1 to the coarsest stride. One for which
    the backbone has no map, such as stride 2 of a ConvNeXt or all but one of a plain transformer,
    gets no skip.
    """

    def __init__(self, backbone: Backbone, finest: int = _FINEST) -> None:
        """Join a backbone and a new decoder.

        Args:
            backbone: The encoder; trained with the rest.
            finest: Channels of the decoder at the image's own resolution.
        """
        super().__init__()
        self.encoder = backbone.module
        self._levels = _levels(backbone.strides)
        depth = max(self._levels)
        skips = [0] * (depth + 1)
        for level, channels in zip(self._levels, backbone.channels, strict=True):
            skips[level] = channels
        widths = [finest * 2 ** min(level, 4) for level in range(depth)]
        self.decoder = UnetDecoder(
            encoder_channels=[1, *skips[1:]], decoder_channels=widths[::-1], n_blocks=depth
        )
        self.head = nn.Conv2d(finest, 1, 3, padding=1)

    def forward(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N H W"]:
        """Return a logit for each pixel: above 0 where the mask is likelier than not.

        Args:
            images: Grey values, 0..255.
        """
        maps = self.encoder(images)
        size = images.shape[-2:]
        features: list[Tensor | None] = [None] * (max(self._levels) + 1)
        for level, grid in zip(self._levels, maps, strict=True):
            features[level] = grid
        found = self._decode(features, size)
        return self.head(found).squeeze(1)

    def _decode(self, features: Sequence[Tensor | None], size: torch.Size) -> Tensor:
        """Run the decoder's blocks; those without a map are given the size alone."""
        grid = features[-1]
        assert grid is not None
        for block, level in zip(self.decoder.blocks, range(len(features) - 2, -1, -1), strict=True):
            skip = features[level] if level else None
            height, width = size if not level else _shape(skip, size, level)
            grid = block(grid, height, width, skip_connection=skip)
        return grid


def _levels(strides: Sequence[int]) -> list[int]:
    """Level of each stride: the nearest power of two, at least 2; 14 counts as 16."""
    return [max(1, round(torch.log2(torch.tensor(float(stride))).item())) for stride in strides]


def _shape(skip: Tensor | None, size: torch.Size, level: int) -> tuple[int, int]:
    if skip is not None:
        return skip.shape[-2], skip.shape[-1]
    return -(-size[0] // 2**level), -(-size[1] // 2**level)
