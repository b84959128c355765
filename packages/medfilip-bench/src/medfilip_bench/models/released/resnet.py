"""torchvision's ResNets as releases keep them: sizes read off the weights."""

import re
from typing import Any

from medfilip_model.towers.weights import State
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from medfilip_bench.errors import ModelError
from medfilip_bench.models.backbones import FeatureMaps, copied
from medfilip_bench.models.base import Backbone


def blocks(spec: str, state: State, prefix: str) -> tuple[type[BasicBlock | Bottleneck], list[int]]:
    """Read the kind and number of blocks of a ResNet off its weights.

    Args:
        spec: The model, for messages.
        state: Weights.
        prefix: What stands before the ResNet's own names: ``"encoder."``.

    Raises:
        ModelError: If there is no ResNet.
    """
    pattern = re.compile(re.escape(prefix) + r"layer(\d)\.(\d+)\.")
    found = [match for name in state if (match := pattern.match(name))]
    counts = [
        1 + max((int(m[2]) for m in found if m[1] == str(k)), default=-1) for k in range(1, 5)
    ]
    if not all(counts):
        raise ModelError(f"{spec!r}: the file has no ResNet under {prefix + 'layer1'!r}")
    deep = f"{prefix}layer1.0.conv3.weight" in state
    return (Bottleneck if deep else BasicBlock), counts


def resnet(
    kind: type[BasicBlock | Bottleneck], counts: list[int], head: nn.Module | None = None
) -> ResNet:
    """Make a ResNet with random weights and another head, or none."""
    network = ResNet(kind, counts)
    network.fc = head or nn.Identity()  # pyright: ignore[reportAttributeAccessIssue] - as torchvision's own users do
    return network


def stages(network: nn.Module, pixels: Tensor) -> tuple[Tensor, ...]:
    """Return the map of the stem and of each of the four stages."""
    net: Any = network
    maps = [net.relu(net.bn1(net.conv1(pixels)))]
    grid = net.maxpool(maps[0])
    for stage in (net.layer1, net.layer2, net.layer3, net.layer4):
        grid = stage(grid)
        maps.append(grid)
    return tuple(maps)


def resnet_backbone(network: ResNet, standardise: nn.Module) -> Backbone:
    """Copy a ResNet for training.

    Args:
        network: The ResNet; its head does not matter.
        standardise: Grey values -> what its weights want.
    """
    first: Any = network.layer1[0]
    kind: type[BasicBlock | Bottleneck] = type(first)
    counts = [len(getattr(network, f"layer{k}")) for k in range(1, 5)]
    maps = FeatureMaps(network, standardise, lambda: resnet(kind, counts), stages)
    widths = tuple(planes * kind.expansion for planes in (64, 128, 256, 512))
    return copied(maps, (64, *widths), (2, 4, 8, 16, 32))
