"""Trunks of open_clip: the image towers of its ResNets and vision transformers."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from medfilip_model.config import ImageTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers.open_clip_models import clip_config, clip_state, quick_gelu
from medfilip_model.towers.stem import resample_positions
from medfilip_model.towers.weights import IMAGE_SETTING, load_exactly


class ClipResNetTrunk(nn.Module):
    """CLIP's ResNet, whose map is pooled by attention.

    Attributes:
        model: open_clip's `ModifiedResNet`.
        features: Size F of the pooled features.
        channels: Size C of the map.
    """

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - open_clip's modules are untyped
        """Take a ResNet of open_clip."""
        super().__init__()
        self.model = model
        self.features = model.attnpool.c_proj.out_features
        self.channels = model.attnpool.c_proj.in_features

    def forward(
        self, pixels: Float[Tensor, "N 1 H W"]
    ) -> tuple[Float[Tensor, "N F"], Float[Tensor, "N C h w"]]:
        """Return pooled features and the map."""
        net = self.model
        grid = net.layer4(net.layer3(net.layer2(net.layer1(net.stem(pixels)))))
        return self.pool_map(grid), grid

    def pool_map(self, grid: Float[Tensor, "N C h w"]) -> Float[Tensor, "N F"]:
        """Attend from the mean of the map to its locations; the mean is one of them.

        open_clip's own module asks as every location, and keeps one answer; here the mean alone
        asks.
        """
        pool = self.model.attnpool
        count, channels, height, width = grid.shape
        tokens = grid.flatten(2).transpose(1, 2)
        tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)
        tokens = tokens + resample_positions(pool.positional_embedding, height, width).to(
            tokens.dtype
        )
        query, key, value = (
            part.unflatten(2, (pool.num_heads, -1)).transpose(1, 2)
            for part in (pool.q_proj(tokens[:, :1]), pool.k_proj(tokens), pool.v_proj(tokens))
        )
        found = functional.scaled_dot_product_attention(query, key, value)
        return pool.c_proj(found.transpose(1, 2).reshape(count, channels))


class ClipTransformerTrunk(nn.Module):
    """CLIP's vision transformer, whose features are those of its class token.

    Attributes:
        model: open_clip's `VisionTransformer`.
        features: Size F of the pooled features.
        channels: Size C of the map.
    """

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - as above
        """Take a transformer of open_clip."""
        super().__init__()
        model.output_tokens = True
        self.model = model
        self.channels, self.features = model.proj.shape

    def forward(
        self, pixels: Float[Tensor, "N 1 H W"]
    ) -> tuple[Float[Tensor, "N F"], Float[Tensor, "N C h w"]]:
        """Return the projected class token and the patch tokens."""
        features, patches = self.model(pixels)
        return features, patches.transpose(1, 2).unflatten(2, self.model.grid_size)

    def pool_map(self, grid: Float[Tensor, "N C h w"]) -> Float[Tensor, "N F"]:
        """Project each patch as if it were the class token; the mean of them."""
        return grid.mean(dim=(2, 3)) @ self.model.proj


def open_clip_trunk(
    config: ImageTowerConfig, size: int, *, load: bool
) -> ClipResNetTrunk | ClipTransformerTrunk:
    """Make the image tower of an open_clip model, as `image_tower` says."""
    from open_clip.model import (
        CLIPVisionCfg,
        _build_vision_tower,  # pyright: ignore[reportPrivateUsage] - the rest builds texts too
    )
    from open_clip.modified_resnet import ModifiedResNet

    if config.channels or config.stem_width:
        raise ConfigError(
            f"open_clip's {config.name!r} takes no channels or stem_width; timm's ResNets do "
            "(model.image.kind = 'timm')"
        )
    about = clip_config(config.name)
    vision = CLIPVisionCfg(**about["vision_cfg"])
    if vision.timm_model_name:
        raise ConfigError(
            f"the image tower of open_clip's {config.name!r} is timm's {vision.timm_model_name!r}: "
            "take it from there (model.image.kind = 'timm')"
        )
    if vision.attentional_pool or vision.pool_type != "tok" or vision.final_ln_after_pool:
        raise ConfigError(
            f"the image tower of open_clip's {config.name!r} pools in a way of its own; "
            "CLIP's own are read: RN50 and its likes, ViT-B-32 and its likes"
        )
    gelu = quick_gelu(config.name, config.weights)
    model = _build_vision_tower(about["embed_dim"], vision, gelu)
    if load and config.weights is not None:
        state, source = clip_state(config.name, config.weights, "visual", IMAGE_SETTING)
        load_exactly(model, state, source)
    if isinstance(model, ModifiedResNet):
        _resize_resnet(model, config.name, size)
        return ClipResNetTrunk(model)
    _resize_transformer(model, config.name, size)
    return ClipTransformerTrunk(model)


def _resize_resnet(model: Any, name: str, size: int) -> None:  # noqa: ANN401 - as above
    if size % 32:
        raise ConfigError(f"model.size = {size}: no multiple of the stride 32 of {name!r}")
    side = size // 32
    pool = model.attnpool
    pool.positional_embedding = _resized(pool.positional_embedding, side)
    model.image_size = size


def _resize_transformer(model: Any, name: str, size: int) -> None:  # noqa: ANN401 - as above
    patch = model.patch_size[0]
    if size % patch:
        raise ConfigError(f"model.size = {size}: no multiple of the patch {patch} of {name!r}")
    side = size // patch
    model.positional_embedding = _resized(model.positional_embedding, side)
    model.image_size, model.grid_size = (size, size), (side, side)


def _resized(positions: Tensor, side: int) -> nn.Parameter:
    return nn.Parameter(resample_positions(positions.detach(), side, side).clone())
