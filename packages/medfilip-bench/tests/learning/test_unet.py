"""The UNet: one logit a pixel over any set of maps, and skips that count."""

import pytest
import torch
from medfilip_bench.learning.unet import UNet, _levels
from medfilip_bench.models.base import Backbone
from torch import nn


class Maps(nn.Module):
    """Averages of the image at given strides."""

    def __init__(self, channels, strides):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(1, c, s, s) for c, s in zip(channels, strides, strict=True)
        )

    def forward(self, images):
        return tuple(layer(images.float() / 255) for layer in self.layers)


@pytest.mark.parametrize(
    ("channels", "strides", "size"),
    [
        ((4, 6, 8), (2, 4, 8), 32),
        ((6, 8), (4, 8), 32),  # no map of stride 2, as a ConvNeXt's
        ((8,), (16,), 32),  # one map, as a plain transformer's
        ((8,), (14,), 28),  # whose patches are no power of two
        ((4, 6), (2, 4), 30),  # a side that the strides do not divide
    ],
)
def test_there_is_a_logit_for_each_pixel(channels, strides, size):
    model = UNet(Backbone(Maps(channels, strides), channels, strides)).eval()
    images = torch.randint(0, 256, (2, 1, size, size), dtype=torch.uint8)
    assert model(images).shape == (2, size, size)


def test_a_stride_has_the_level_of_the_nearest_power_of_two():
    assert _levels((2, 4, 8, 16, 32)) == [1, 2, 3, 4, 5]
    assert _levels((14,)) == [4]


def test_each_coarser_level_has_twice_the_channels():
    model = UNet(Backbone(Maps((4,), (32,)), (4,), (32,)), finest=3)
    assert [block.conv2[0].out_channels for block in model.decoder.blocks] == [48, 24, 12, 6, 3]


def test_every_map_and_the_decoder_are_trained():
    torch.manual_seed(0)
    model = UNet(Backbone(Maps((4, 6, 8), (2, 4, 8)), (4, 6, 8), (2, 4, 8)))
    model(torch.rand(2, 1, 32, 32) * 255).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
