"""The fusion head: entity queries attend to image patches (after MedKLIP's fusion module).

What is MedKLIP's: queries are embeddings of the entities' explanations; pre-norm decoder layers;
the map that grounds an entity is the cross-attention averaged over heads and layers. What is ours:

- Queries do not attend to each other unless asked, so that an entity's answer does not depend on
  which others are asked for; MedKLIP's layers are standard ones, with that self-attention, and its
  answers depend on its list of 75 entities.
- Patches carry their position. MedKLIP gives none, and then where a patch lies is known only as
  far as the convolutions leak it; sides and regions are to be predicted here.
- One logit for presence, and one for each place (MedKLIP: two classes, and a contrast with
  embeddings of 51 anatomical names).

Axis legend, beside the package's: K entities, R places, h w the feature map, P = h * w patches,
E channels of the decoder.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from medfilip_model.config import FusionConfig
from medfilip_model.errors import ConfigError

# The finest wave has this many half periods across the image: two patches of a 14 x 14 map differ.
_FINEST = 16.0


class FusionOutput(NamedTuple):
    """What the head says of N images and K entities.

    Attributes:
        presence: Logits of "the entity is present".
        location: Logits of "it is at this place"; None where the head has no such part.
        attention: Where the query looked, summing to 1 over the map; None unless asked for.
    """

    presence: Float[Tensor, "N K"]
    location: Float[Tensor, "N K R"] | None
    attention: Float[Tensor, "N K h w"] | None


class FusionHead(nn.Module):
    """A transformer decoder from entity queries over image patches.

    Works for any map size and any number of entities, those unseen in training included: an entity
    is no more than its text embedding.
    """

    def __init__(self, config: FusionConfig, channels: int, embed: int, places: int) -> None:
        """Make the head with random weights.

        Args:
            config: Sizes.
            channels: C of the feature map.
            embed: D of the text embeddings.
            places: R, the places whose logits are predicted where `config` has location.

        Raises:
            ConfigError: If the width is no multiple of the heads and of 4.
        """
        super().__init__()
        if config.width % config.heads or config.width % 4:
            raise ConfigError(
                f"fusion width {config.width!r} must be a multiple of its {config.heads!r} heads "
                "and of 4 (the position has a sine and a cosine for each axis)"
            )
        width = config.width
        self.patches = nn.Linear(channels, width)
        self.patch_norm = nn.LayerNorm(width)
        # Explanations resemble each other (mean cosine 0.94 in a short run): what they share is
        # taken off and what differs scaled up. By running statistics after training, so that an
        # answer then depends on its own entity alone.
        self.query_spread = nn.BatchNorm1d(embed, affine=False)
        self.queries = nn.Linear(embed, width)
        self.query_norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(DecoderBlock(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.presence = nn.Linear(width, 1)
        self.location = nn.Linear(width, places) if config.location and places else None

    def forward(
        self,
        map: Float[Tensor, "N C h w"],
        queries: Float[Tensor, "K D"],
        *,
        need_attention: bool = False,
    ) -> FusionOutput:
        """Ask N feature maps for K entities.

        Args:
            map: Last feature map of the image tower.
            queries: Text embeddings of the entities' explanations. `batch_loss` gives them without
                gradient: the text tower is taught by the dual encoder alone, so that the entities
                of the training set do not bend the space that unseen ones are to be found in.
            need_attention: Whether to return the attention map too, at the cost of computing the
                attention twice: the fused kernel does not give it out.

        Returns:
            Logits, and the cross-attention averaged over heads and layers, as MedKLIP grounds.
        """
        n, _, h, w = map.shape
        tokens = map.flatten(2).transpose(1, 2)
        # Positions reach the values too (DETR: keys alone), or places could not be told.
        patches = self.patch_norm(self.patches(tokens)) + positions(
            h, w, like=tokens, width=self.width
        )
        if len(queries) > 1 or not self.training:  # one entity has no spread
            queries = self.query_spread(queries)
        states = self.query_norm(self.queries(queries)).expand(n, -1, -1)
        attention: Tensor | None = None
        for block in self.blocks:
            states, weights = block(states, patches, need_weights=need_attention)
            if need_attention:
                attention = weights if attention is None else attention + weights
        states = self.norm(states)
        if attention is not None:
            attention = (attention / len(self.blocks)).unflatten(-1, (h, w))
        return FusionOutput(
            presence=self.presence(states).squeeze(-1),
            location=None if self.location is None else self.location(states),
            attention=attention,
        )

    @property
    def width(self) -> int:
        """Channels E of the decoder."""
        return self.norm.normalized_shape[0]


class DecoderBlock(nn.Module):
    """Queries look at patches, then think: pre-norm, residual."""

    def __init__(self, config: FusionConfig) -> None:
        """Make a block with random weights."""
        super().__init__()
        width = config.width
        self.among = Attention(config) if config.self_attention else None
        self.among_norm = nn.LayerNorm(width) if config.self_attention else nn.Identity()
        self.across = Attention(config)
        self.across_norm = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(4 * width, width),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        states: Float[Tensor, "N K E"],
        patches: Float[Tensor, "N P E"],
        *,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "N K E"], Float[Tensor, "N K P"] | None]:
        """Return the queries' new states, and where they looked if asked."""
        if self.among is not None:
            normed = self.among_norm(states)
            states = states + self.dropout(self.among(normed, normed))
        normed = self.across_norm(states)
        weights = self.across.weights(normed, patches) if need_weights else None
        states = states + self.dropout(self.across(normed, patches))
        return states + self.dropout(self.feed(states)), weights


class Attention(nn.Module):
    """Multi-head attention by the fused kernel."""

    def __init__(self, config: FusionConfig) -> None:
        """Make the projections with random weights."""
        super().__init__()
        self.heads = config.heads
        self.dropout = config.dropout
        self.query = nn.Linear(config.width, config.width)
        self.key = nn.Linear(config.width, config.width)
        self.value = nn.Linear(config.width, config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(
        self, states: Float[Tensor, "N K E"], memory: Float[Tensor, "N P E"]
    ) -> Float[Tensor, "N K E"]:
        """Mix the values of the memory by the attention of the states to it."""
        mixed = functional.scaled_dot_product_attention(
            self.split(self.query(states)),
            self.split(self.key(memory)),
            self.split(self.value(memory)),
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.out(mixed.transpose(1, 2).flatten(2))

    def weights(
        self, states: Float[Tensor, "N K E"], memory: Float[Tensor, "N P E"]
    ) -> Float[Tensor, "N K P"]:
        """The attention that `forward` mixes by (before its dropout), averaged over heads."""
        query, key = self.split(self.query(states)), self.split(self.key(memory))
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        return scores.float().softmax(dim=-1).mean(dim=1)

    def split(self, x: Float[Tensor, "N T E"]) -> Float[Tensor, "N G T e"]:
        """Channels to G heads of e channels each."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def positions(h: int, w: int, *, width: int, like: Tensor) -> Float[Tensor, "P E"]:
    """Where each patch of an h x w map lies in the image: sines and cosines of both coordinates.

    Coordinates are shares of the image, not numbers of patches, so that a place has the same
    embedding at every resolution. Frequencies rise geometrically from a half period across the
    image, which alone tells left from right, to 16 of them.

    Args:
        h: Rows of the map.
        w: Its columns.
        width: Channels, a multiple of 4.
        like: A tensor of the device and type to be made in.

    Returns:
        One row a patch, row by row of the map.
    """
    count = width // 4
    steps = torch.arange(count, device=like.device, dtype=torch.float32) / max(count - 1, 1)
    frequencies = math.pi * _FINEST**steps
    y = (torch.arange(h, device=like.device, dtype=torch.float32) + 0.5) / h
    x = (torch.arange(w, device=like.device, dtype=torch.float32) + 0.5) / w
    rows, columns = y[:, None] * frequencies, x[:, None] * frequencies
    down = torch.cat([rows.sin(), rows.cos()], dim=-1)[:, None].expand(h, w, -1)
    across = torch.cat([columns.sin(), columns.cos()], dim=-1)[None].expand(h, w, -1)
    return torch.cat([down, across], dim=-1).flatten(0, 1).to(like.dtype)
