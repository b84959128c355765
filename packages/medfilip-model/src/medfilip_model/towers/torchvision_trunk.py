"""Trunks of torchvision: its ResNets."""

from difflib import get_close_matches
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from medfilip_model.config import ImageTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers.hub import url_file
from medfilip_model.towers.weights import (
    IMAGE_SETTING,
    Source,
    load_exactly,
    local_source,
    read_state,
    without,
)


class TorchvisionTrunk(nn.Module):
    """A torchvision ResNet without classifier.

    Attributes:
        model: The ResNet; its `fc` passes features through.
        features: Size F of the pooled features.
        channels: Size C of the map.
    """

    def __init__(self, model: Any, channels: int) -> None:  # noqa: ANN401 - layers are reached by name
        """Take a ResNet whose classifier has been taken off."""
        super().__init__()
        self.model = model
        self.features = self.channels = channels

    def forward(
        self, pixels: Float[Tensor, "N 1 H W"]
    ) -> tuple[Float[Tensor, "N F"], Float[Tensor, "N C h w"]]:
        """Return pooled features and the map."""
        net = self.model
        stem = net.maxpool(net.relu(net.bn1(net.conv1(pixels))))
        grid = net.layer4(net.layer3(net.layer2(net.layer1(stem))))
        return self.pool_map(grid), grid

    def pool_map(self, grid: Float[Tensor, "N C h w"]) -> Float[Tensor, "N F"]:
        """Average over the map."""
        return grid.mean(dim=(2, 3))


def torchvision_trunk(config: ImageTowerConfig, size: int, *, load: bool) -> TorchvisionTrunk:
    """Make a torchvision ResNet, as `medfilip_model.towers.image_tower` says."""
    from torchvision.models import get_model, get_model_weights

    del size  # convolutions read any
    _check(config)
    model: Any = get_model(config.name, weights=None)
    channels = model.fc.in_features
    model.fc = nn.Identity()
    if load and config.weights is not None:
        if config.weights == "pretrained":
            best: Any = get_model_weights(config.name)
            url: str = best.DEFAULT.url
            source = Source(url_file(url, setting=IMAGE_SETTING), IMAGE_SETTING)
        else:
            source = local_source(config.weights, IMAGE_SETTING, known=("pretrained",))
        load_exactly(model, without(read_state(source), ["fc"]), source)
    return TorchvisionTrunk(model, channels)


def _check(config: ImageTowerConfig) -> None:
    from torchvision import models

    known = [
        name
        for name in models.list_models(module=models)
        if models.get_model_builder(name).__module__ == "torchvision.models.resnet"
    ]
    if config.name not in known:
        near = get_close_matches(config.name, known, n=3)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "timm has more kinds"
        raise ConfigError(f"torchvision has no ResNet {config.name!r}; {hint}")
    if config.channels or config.stem_width:
        raise ConfigError(
            f"torchvision's {config.name!r} takes no channels or stem_width; timm's ResNets do "
            "(model.image.kind = 'timm')"
        )
