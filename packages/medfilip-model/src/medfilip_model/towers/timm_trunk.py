"""Trunks of timm: ResNet, ConvNeXt, EfficientNet, vision transformers and the like."""

import math
import sys
import warnings
from difflib import get_close_matches
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from medfilip_model.config import ImageTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers.hub import hub_file, url_file
from medfilip_model.towers.weights import (
    IMAGE_SETTING,
    Source,
    State,
    load_exactly,
    local_source,
    read_state,
    without,
)


class TimmTrunk(nn.Module):
    """A timm model without classifier.

    Attributes:
        model: The timm model.
        features: Size F of the pooled features.
        channels: Size C of the map.
    """

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - timm's models share no typed base
        """Take a model made with ``num_classes=0``."""
        super().__init__()
        self.model = model
        self.channels = int(model.num_features)
        self.features = int(getattr(model, "head_hidden_size", None) or model.num_features)

    def forward(
        self, pixels: Float[Tensor, "N 1 H W"]
    ) -> tuple[Float[Tensor, "N F"], Float[Tensor, "N C h w"]]:
        """Return pooled features and the map."""
        raw = self.model.forward_features(pixels)
        return self.model.forward_head(raw), self._grid(raw)

    def pool_map(self, grid: Float[Tensor, "N C h w"]) -> Float[Tensor, "N F"]:
        """Pool a map by the model's own head."""
        if self._tokens:
            count, channels, height, width = grid.shape
            # Each patch stands in for the class token, and is the only patch.
            single = grid.movedim(1, -1).reshape(-1, 1, channels)
            found = self.model.forward_head(single.expand(-1, self.model.num_prefix_tokens + 1, -1))
            return found.reshape(count, height * width, -1).mean(dim=1)
        return self.model.forward_head(grid.movedim(1, -1) if self._channels_end else grid)

    @property
    def _tokens(self) -> bool:
        return hasattr(self.model, "num_prefix_tokens")

    @property
    def _channels_end(self) -> bool:
        return getattr(self.model, "output_fmt", "NCHW") == "NHWC"

    def _grid(self, raw: Tensor) -> Float[Tensor, "N C h w"]:
        if raw.ndim == 3:
            patches = raw[:, self.model.num_prefix_tokens :]
            side = math.isqrt(patches.shape[1])
            return patches.transpose(1, 2).unflatten(2, (side, side))
        return raw.movedim(-1, 1) if self._channels_end else raw


def timm_trunk(config: ImageTowerConfig, size: int, *, load: bool) -> TimmTrunk:
    """Make a timm model, as `medfilip_model.towers.image_tower` says."""
    import timm

    _check_name(config.name)
    shape: dict[str, Any] = config.model_dump(
        include={"channels", "stem_width", "output_stride"}, exclude_none=True
    )
    loads = load and config.weights is not None
    try:
        # With weights, at its own channels and size, which is what they fit.
        model = timm.create_model(
            config.name, pretrained=False, in_chans=3 if loads else 1, num_classes=0, **shape
        )
    except TypeError as error:
        raise ConfigError(
            f"image tower {config.name!r} does not take {', '.join(shape)}: {error}"
        ) from error
    if config.weights is not None and load:
        _load(model, config.name, config.weights)
    _set_size(model, config.name, size)
    return TimmTrunk(model)


def _check_name(name: str) -> None:
    import timm

    if not timm.is_model(name):
        near = get_close_matches(name, timm.list_models(), n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "see timm.list_models()"
        raise ConfigError(f"timm has no model {name!r}; {hint}")
    if "." in name and name not in timm.list_pretrained():
        there = ", ".join(map(repr, _tags(name.partition(".")[0]))) or "none"
        raise ConfigError(f"timm has no weights {name!r}; of this model there are {there}")


def _set_size(model: Any, name: str, size: int) -> None:  # noqa: ANN401 - as above
    """Resample the positions of a transformer; convolutions read any size."""
    if not hasattr(model, "set_input_size"):
        return
    patch = model.patch_embed.patch_size
    if any(size % side for side in patch):
        raise ConfigError(f"model.size = {size}: no multiple of the patch {patch} of {name!r}")
    try:
        with warnings.catch_warnings():
            # Of the way in which timm resamples a Swin's table of relative positions.
            warnings.simplefilter("ignore")
            model.set_input_size(img_size=size)
    except (AssertionError, ValueError, RuntimeError) as error:
        raise ConfigError(f"model.size = {size}: not taken by {name!r}: {error}") from error


def _load(model: Any, name: str, weights: str) -> None:  # noqa: ANN401 - as above
    about: dict[str, Any] = model.pretrained_cfg
    source = _source(name, weights, about)
    named = about.get("classifier") or ("fc", "head.fc", "head", "classifier")
    heads = (named,) if isinstance(named, str) else tuple(named)
    state = without(read_state(source), heads)
    if not source.ordered and state.keys().isdisjoint(model.state_dict()):
        state = _translated(model, name, state)
    load_exactly(model, state, source)


def _source(name: str, weights: str, about: dict[str, Any]) -> Source:
    if weights != "pretrained":
        return local_source(weights, IMAGE_SETTING, known=("pretrained",))
    if about.get("hf_hub_id"):
        names = [about.get("hf_hub_filename") or "model.safetensors", "pytorch_model.bin"]
        return Source(hub_file(about["hf_hub_id"], names, setting=IMAGE_SETTING), IMAGE_SETTING)
    if about.get("url"):
        return Source(url_file(about["url"], setting=IMAGE_SETTING), IMAGE_SETTING)
    raise ConfigError(
        f"{IMAGE_SETTING}: timm has no weights for {name!r}; give a file, or "
        f"'--set {IMAGE_SETTING}=none' for random ones"
    )


def _tags(name: str) -> list[str]:
    """Full names of the weights that timm has for an architecture."""
    import timm

    return [full for full in timm.list_pretrained() if full.partition(".")[0] == name]


def _translated(model: Any, name: str, state: State) -> State:  # noqa: ANN401 - as above
    """Rename by the model family's own table for the weights of its authors, where it has one."""
    import timm

    family = sys.modules[timm.model_entrypoint(name.partition(".")[0]).__module__]
    rename = getattr(family, "checkpoint_filter_fn", None)
    return state if rename is None else rename(state, model)
