"""Swin transformers that transformers wrote, in timm's network and by timm's names.

transformers has renamed its own network since; timm's has the same arithmetic, names that stay, and
gives its maps.
"""

import math
import re
from typing import Any

import torch
from medfilip_model.towers.weights import State

from medfilip_bench.errors import ModelError

# Beginnings and parts of names: transformers' at the time -> timm's.
_NAMES = (
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^embeddings\.norm\.", "patch_embed.norm."),
    (r"^layernorm\.", "norm."),
    (r"^encoder\.layers\.", "layers."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.self\.relative_position_bias_table$", ".attn.relative_position_bias_table"),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"(\.blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
)
_BLOCK = re.compile(r"layers\.(\d+)\.blocks\.(\d+)\.")
_MERGE = re.compile(r"^layers\.(\d+)\.downsample\.")
_PART = re.compile(r"^(.*)\.attention\.self\.(query|key|value)\.(weight|bias)$")
# Computed by the network, and in some files.
_COMPUTED = "relative_position_index"


def swin_state(spec: str, state: State) -> State:
    """Rename the weights of a Swin transformer.

    Args:
        spec: The model, for messages.
        state: Weights by transformers' names at the time: ``encoder.layers.0.blocks.0.…``.

    Raises:
        ModelError: If a query has no key or value.
    """
    found: State = {}
    for name, value in state.items():
        if name.endswith(_COMPUTED):
            continue
        if part := _PART.match(name):
            if part[2] == "query":
                found[f"{_renamed(part[1])}.attn.qkv.{part[3]}"] = _joined(spec, state, part)
            continue
        found[_renamed(name)] = value
    return found


def swin(spec: str, state: State, size: int) -> Any:  # noqa: ANN401 - timm's models are untyped
    """Make a Swin transformer of the sizes of its weights, without classifier.

    Args:
        spec: The model, for messages.
        state: Weights by timm's names.
        size: Side of its images.

    Raises:
        ModelError: If there is no Swin transformer.
    """
    from timm.models.swin_transformer import SwinTransformer

    depths: dict[int, int] = {}
    for match in filter(None, map(_BLOCK.match, state)):
        stage, block = int(match[1]), int(match[2])
        depths[stage] = max(depths.get(stage, 0), block + 1)
    stages = sorted(depths)
    try:
        patch = state["patch_embed.proj.weight"]
        tables = [state[f"layers.{k}.blocks.0.attn.relative_position_bias_table"] for k in stages]
    except KeyError as error:
        raise ModelError(f"{spec!r}: the file has no Swin transformer: no {error}") from error
    if not tables:
        raise ModelError(f"{spec!r}: the file has no Swin transformer: no blocks")
    return SwinTransformer(
        img_size=size,
        patch_size=patch.shape[-1],
        num_classes=0,
        embed_dim=len(patch),
        depths=tuple(depths[k] for k in stages),
        num_heads=tuple(table.shape[1] for table in tables),
        window_size=(math.isqrt(len(tables[0])) + 1) // 2,
    )


def _renamed(name: str) -> str:
    for old, new in _NAMES:
        name = re.sub(old, new, name)
    # transformers makes the map coarser at the end of a stage, timm at the start of the next.
    return _MERGE.sub(lambda match: f"layers.{int(match[1]) + 1}.downsample.", name)


def _joined(spec: str, state: State, part: re.Match[str]) -> torch.Tensor:
    """Query, key and value as timm keeps them: in one."""
    names = [f"{part[1]}.attention.self.{kind}.{part[3]}" for kind in ("query", "key", "value")]
    missing = [name for name in names if name not in state]
    if missing:
        raise ModelError(f"{spec!r}: {missing[0]!r} is missing")
    return torch.cat([state[name] for name in names])
