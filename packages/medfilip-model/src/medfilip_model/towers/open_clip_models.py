"""What open_clip knows of a model by name: its shape, and where its weights are."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal

from medfilip_model.errors import ConfigError
from medfilip_model.towers.hub import hub_file, url_file
from medfilip_model.towers.weights import Source, State, clip_part, local_source, read_state

_SAFE, _PICKLED = "open_clip_model.safetensors", "open_clip_pytorch_model.bin"


def clip_config(name: str | None) -> dict[str, Any]:
    """The shape of a model.

    Raises:
        ConfigError: There is none of that name; near ones are named.
    """
    import open_clip

    about = None if name is None else open_clip.get_model_config(name)
    if about is None:
        near = get_close_matches(name or "", open_clip.list_models(), n=3)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ", such as 'RN50'"
        raise ConfigError(f"open_clip has no model {name!r}{hint}")
    return about


def quick_gelu(name: str, weights: str | None) -> bool:
    """Whether a model has the approximate GELU that OpenAI's weights were trained with.

    open_clip keeps it with the weights' tag; a file does not tell, so its model is named with
    ``-quickgelu`` where it needs it (``RN50-quickgelu``). Random weights have the exact one.
    """
    from open_clip.pretrained import get_pretrained_cfg

    tag = get_pretrained_cfg(name, weights) if weights is not None else {}
    return bool(clip_config(name).get("quick_gelu") or tag.get("quick_gelu"))


def clip_state(
    name: str, weights: str, part: Literal["visual", "text"], setting: str
) -> tuple[State, Source]:
    """One tower's weights.

    Args:
        name: The model.
        weights: A tag of open_clip, such as ``"openai"``, or a file.
        part: The tower.
        setting: The setting that named the weights.

    Raises:
        ConfigError: If they are not to be had.
    """
    source = _source(name, weights, setting)
    return clip_part(read_state(source), part), source


def _source(name: str, weights: str, setting: str) -> Source:
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model

    tag = get_pretrained_cfg(name, weights)
    if not tag:
        return local_source(weights, setting, known=list_pretrained_tags_by_model(name))
    repository, _, file = str(tag.get("hf_hub", "")).rpartition("/")
    if repository:
        safe = file.rpartition(".")[0] + ".safetensors" if file else _SAFE
        names = [safe, file or _PICKLED]
        advice = _naming(name, tag, setting)
        return Source(hub_file(repository, names, setting=setting, advice=advice), setting)
    return Source(url_file(str(tag["url"]), setting=setting), setting)


def _naming(name: str, tag: Mapping[str, Any], setting: str) -> str:
    """How to name the model where its weights come without their tag; see `quick_gelu`."""
    if not tag.get("quick_gelu") or clip_config(name).get("quick_gelu"):
        return ""
    return f" --set {setting.replace('weights', 'name')}={name}-quickgelu"
