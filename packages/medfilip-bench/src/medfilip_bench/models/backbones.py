"""Image encoders as fine-tuning and segmentation take them: trainable copies with feature maps.

Every network that timm has too is handed over as timm's, so that all of them give their maps in the
same way (``forward_intermediates``).
"""

import copy
from collections.abc import Callable
from typing import Any, cast

import torch
from jaxtyping import Float, Num
from medfilip_model.export.timm import as_timm
from medfilip_model.model import MedFILIP
from torch import Tensor, nn

from medfilip_bench.errors import ModelError
from medfilip_bench.models.base import Backbone
from medfilip_bench.models.pixels import StandardiseEach

# Pixels -> maps, finest first.
Reader = Callable[[nn.Module, Tensor], "tuple[Tensor, ...]"]


class FeatureMaps(nn.Module):
    """A network that returns its feature maps.

    Attributes:
        network: The network.
        standardise: Grey values 0..255 -> what the network's weights want.
        read: How the network is asked for its maps.
        fresh: Makes the same network with its library's random start.
    """

    def __init__(
        self,
        network: nn.Module,
        standardise: nn.Module,
        fresh: Callable[[], nn.Module],
        read: Reader | None = None,
    ) -> None:
        """Take a network; `read` is timm's ``forward_intermediates`` where not given."""
        super().__init__()
        self.network = network
        self.standardise = standardise
        self.fresh = fresh
        self.read = read or read_timm

    def forward(self, images: Num[Tensor, "N 1 S S"]) -> tuple[Float[Tensor, "N _ _ _"], ...]:
        """Return maps [N, channels, S / stride, S / stride], finest first."""
        return self.read(self.network, self.standardise(images))


def read_timm(network: nn.Module, pixels: Tensor) -> tuple[Tensor, ...]:
    """Ask a timm model for its maps: one of each stage, or the last of a transformer."""
    ask = cast(Any, network).forward_intermediates
    if _one_grid(network):
        return tuple(ask(pixels, indices=1, norm=True, intermediates_only=True))
    return tuple(ask(pixels, intermediates_only=True))


def timm_backbone(
    network: nn.Module, standardise: nn.Module, fresh: Callable[[], nn.Module]
) -> Backbone:
    """Copy a timm model for training.

    Args:
        network: The model, of any device.
        standardise: Grey values -> what its weights want.
        fresh: Makes the same model with random weights.
    """
    about: Any = network.feature_info
    stages = [about[-1]] if _one_grid(network) else list(about)
    return copied(
        FeatureMaps(network, standardise, fresh),
        tuple(int(stage["num_chs"]) for stage in stages),
        tuple(int(stage["reduction"]) for stage in stages),
    )


def measured(maps: FeatureMaps, size: int) -> Backbone:
    """Copy a network for training whose library does not tell the shapes of its maps.

    Args:
        maps: The network and how it is read.
        size: Side of its images; one empty image is passed through.
    """
    backbone = copied(maps, (), ())
    with torch.no_grad():
        grids = backbone.module.eval()(torch.zeros(1, 1, size, size))
    return Backbone(
        backbone.module.train(),
        tuple(grid.shape[1] for grid in grids),
        tuple(round(size / grid.shape[-1]) for grid in grids),
    )


def run_backbone(model: MedFILIP) -> Backbone:
    """Copy the image tower of a run for training.

    Args:
        model: The run's model.

    Raises:
        ExportError: If timm has no network like it.
    """
    import timm

    made = as_timm(model)

    def fresh() -> nn.Module:
        return timm.create_model(made.name, pretrained=False, **made.options)

    network = fresh()
    network.load_state_dict(made.state)
    return timm_backbone(network, StandardiseEach(), fresh)


def copied(maps: FeatureMaps, channels: tuple[int, ...], strides: tuple[int, ...]) -> Backbone:
    """Return a backbone of its own weights, on the CPU, all of them trainable.

    Args:
        maps: A network and how it is read.
        channels: Channels of each map.
        strides: Pixels a location of each map.
    """
    module = copy.deepcopy(maps).cpu().float()
    module.requires_grad_(requires_grad=True)
    return Backbone(module.train(), channels, strides)


def reinitialised(backbone: Backbone, seed: int) -> Backbone:
    """Return the same network with the random start of its library.

    Args:
        backbone: A backbone of this module.
        seed: Decides the weights; the global generator is left as it is.

    Raises:
        ModelError: If the backbone is of another kind and does not tell how it is made.
    """
    maps = backbone.module
    if not isinstance(maps, FeatureMaps):
        raise ModelError(
            f"a backbone of type {type(maps).__name__!r} cannot be made anew with random weights; "
            "make it with medfilip_bench.models.backbones.FeatureMaps"
        )
    network = seeded(maps.fresh, seed)
    twin = FeatureMaps(network, maps.standardise, maps.fresh, maps.read)
    return copied(twin, backbone.channels, backbone.strides)


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Make a network from a seed; the global generator is left as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def _one_grid(network: nn.Module) -> bool:
    """Whether all stages have the same stride: a plain vision transformer."""
    about: Any = network.feature_info
    return len({stage["reduction"] for stage in about}) == 1
