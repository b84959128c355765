"""MedKLIP's network: a trunk, a decoder of queries, and a classifier of each.

Axis legend, beside the package's: Q queries, P patches of the image's map, E channels inside.
"""

import re
from typing import Any

import torch
from jaxtyping import Float
from medfilip_model.towers.weights import State
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from medfilip_bench.errors import ModelError
from medfilip_bench.models.backbones import FeatureMaps, copied
from medfilip_bench.models.base import Backbone
from medfilip_bench.models.released.resnet import blocks, resnet

_HEADS = 4
# Places of the activation after the first convolution, and of the first stage, in the trunk.
_STEM, _FIRST = 2, 4
_STAGE = re.compile(r"res_features\.([456])\.(.+)")


class MedKlip(nn.Module):
    """Trunk, decoder and classifier, by the names of the release."""

    def __init__(
        self,
        kind: type[BasicBlock | Bottleneck],
        counts: list[int],
        *,
        text: int,
        width: int,
        feed: int,
        layers: int,
    ) -> None:
        """Take the sizes.

        Args:
            kind: Kind of the ResNet's blocks.
            counts: Blocks of each of its stages; the last stage is not used.
            text: Channels of the text tower.
            width: E.
            feed: Channels of the decoder's inner layers.
            layers: Layers of the decoder.
        """
        super().__init__()
        self.res_features = trunk(kind, counts)
        channels = 256 * kind.expansion
        self.res_l1 = nn.Linear(channels, channels)
        self.res_l2 = nn.Linear(channels, width)
        self.disease_embedding_layer = nn.Linear(text, width)
        # Of the loss alone.
        self.cl_fc = nn.Linear(width, text)
        layer = nn.TransformerDecoderLayer(width, _HEADS, feed, norm_first=True, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, layers, nn.LayerNorm(width))
        self.classifier = nn.Linear(width, 2)

    def patches(self, pixels: Float[Tensor, "N 3 S S"]) -> Float[Tensor, "N P E"]:
        """Return the regions of images that queries attend to."""
        places = self.res_features(pixels).flatten(2).transpose(1, 2)
        return self.res_l2(torch.relu(self.res_l1(places)))

    def forward(
        self, patches: Float[Tensor, "N P E"], texts: Float[Tensor, "Q _"]
    ) -> tuple[Float[Tensor, "N Q"], Float[Tensor, "N Q P"]]:
        """Ask images for entities.

        Args:
            patches: From `patches`.
            texts: Embeddings of the entities' texts.

        Returns:
            Probability that each is present, and where the queries looked: the mean over heads and
            layers.
        """
        state = self.disease_embedding_layer(texts).expand(len(patches), -1, -1)
        looked = patches.new_zeros((len(patches), len(texts), patches.shape[1]))
        # The layers' own code, but that it returns where they look.
        for module in self.decoder.layers:
            layer: Any = module
            own = layer.norm1(state)
            state = state + layer.self_attn(own, own, own, need_weights=False)[0]
            answer, weights = layer.multihead_attn(layer.norm2(state), patches, patches)
            state = state + answer
            inner = torch.relu(layer.linear1(layer.norm3(state)))
            state = state + layer.linear2(inner)
            looked = looked + weights
        norm: Any = self.decoder.norm
        logits = self.classifier(norm(state))
        return logits.softmax(dim=-1)[..., 1], looked / len(self.decoder.layers)


def trunk(kind: type[BasicBlock | Bottleneck], counts: list[int]) -> nn.Sequential:
    """Make a ResNet without its last stage, as a list of layers."""
    return nn.Sequential(*list(resnet(kind, counts).children())[:-3])


def medklip_network(spec: str, state: State, text: int) -> MedKlip:
    """Make the network of the sizes of its weights.

    Args:
        spec: The model, for messages.
        state: The release's weights.
        text: Channels of the text tower.

    Raises:
        ModelError: If they are of another model.
    """
    renamed: State = {}
    for name, value in state.items():
        if found := _STAGE.match(name):
            renamed[f"layer{int(found[1]) - _FIRST + 1}.{found[2]}"] = value
    # The last stage is not there; any number of blocks stands for it.
    renamed["layer4.0.none"] = torch.zeros(0)
    kind, counts = blocks(spec, renamed, "")
    project, feed = state.get("res_l2.weight"), state.get("decoder.layers.0.linear1.weight")
    if project is None or feed is None:
        raise ModelError(f"{spec!r}: the file has no 'res_l2' or no 'decoder': it is no MedKLIP")
    layers = {name.split(".")[2] for name in state if name.startswith("decoder.layers.")}
    return MedKlip(
        kind,
        counts,
        text=text,
        width=len(project),
        feed=len(feed),
        layers=len(layers),
    )


def medklip_backbone(network: MedKlip, standardise: nn.Module) -> Backbone:
    """Copy the trunk for training.

    Args:
        network: The network.
        standardise: Grey values -> what its weights want.
    """
    layers: list[Any] = list(network.res_features)
    kind: type[BasicBlock | Bottleneck] = type(layers[_FIRST][0])
    counts = [*map(len, layers[_FIRST:]), 1]
    maps = FeatureMaps(network.res_features, standardise, lambda: trunk(kind, counts), _maps)
    widths = tuple(planes * kind.expansion for planes in (64, 128, 256))
    return copied(maps, (64, *widths), (2, 4, 8, 16))


def _maps(network: nn.Module, pixels: Tensor) -> tuple[Tensor, ...]:
    """Maps of the stem and of the three stages."""
    maps: list[Tensor] = []
    grid = pixels
    for place, layer in enumerate(network.children()):
        grid = layer(grid)
        if place == _STEM or place >= _FIRST:
            maps.append(grid)
    return tuple(maps)
