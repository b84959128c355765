"""What makes an open_clip model: sizes, a file of weights, and what those want."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import open_clip
from medfilip_model.towers.open_clip_models import clip_config

from medfilip_bench.errors import ModelError, UnknownNameError
from medfilip_bench.models.spec import existing
from medfilip_bench.models.weights import fetched, fetched_address, side_files

CONFIG = "open_clip_config.json"
_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_HUB = "hf-hub:"


@dataclass(frozen=True)
class Recipe:
    """What makes an open_clip model.

    Attributes:
        name: What it is called, in words that a folder name is made of.
        config: Sizes of both towers, as open_clip keeps them.
        weights: File of the weights.
        preprocess: Mean and deviation that the weights want.
        folder: Folder that its tokenizer may be in.
        text: Folder with the configuration and tokenizer of a BERT-like text tower, where given.
    """

    name: str
    config: Mapping[str, Any]
    weights: Path
    preprocess: Mapping[str, Any] = field(default_factory=dict[str, Any])
    folder: Path | None = None
    text: Path | None = None


def from_folder(spec: str, folder: Path, text: str | None) -> Recipe:
    """Read a folder as hubs keep open_clip's models.

    Args:
        spec: The model, for messages.
        folder: With open_clip_config.json and a file of weights.
        text: Folder of a BERT-like text tower, where given.

    Raises:
        ModelError: If either is missing or cannot be read.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise ModelError(f"{spec!r}: {str(folder)!r} has no {CONFIG}")
    weights = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise ModelError(f"{spec!r}: {str(folder)!r} has none of {', '.join(_WEIGHTS)}")
    return _from_config(spec, folder.resolve().name, path, weights, folder, text)


def find_recipe(spec: str, main: str, text: str | None) -> Recipe:
    """Find what makes a model.

    Args:
        spec: The model, for messages.
        main: ``NAME/TAG``, ``NAME/FILE``, a folder, or ``hf-hub:OWNER/NAME``.
        text: Folder of a BERT-like text tower, where given.

    Raises:
        UnknownNameError: If open_clip has no such model or weights.
        ModelError: If weights or configuration are not to be had.
    """
    if main.startswith(_HUB):
        repository = main.removeprefix(_HUB)
        instead = "open_clip:FOLDER"
        path = fetched(spec, repository, [CONFIG], instead)
        weights = fetched(spec, repository, _WEIGHTS, instead)
        return _from_config(spec, repository, path, weights, None, text)
    name, _, given = main.partition("/")
    if name in open_clip.list_models():
        return _named(spec, name, given)
    if (Path(main).expanduser() / CONFIG).is_file() or name in ("", ".", "..", "~"):
        return from_folder(spec, existing(spec, main, "a folder with " + CONFIG), text)
    raise UnknownNameError("model of open_clip", name, open_clip.list_models())


def _from_config(
    spec: str, name: str, path: Path, weights: Path, folder: Path | None, text: str | None
) -> Recipe:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        config, preprocess = content["model_cfg"], content.get("preprocess_cfg") or {}
        text_name = config["text_cfg"].get("hf_model_name")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        line = f"{type(error).__name__}: {error}"
        raise ModelError(f"{spec!r}: {str(path)!r} describes no open_clip model: {line}") from error
    side = None
    if text is not None:
        side = existing(spec, text, "a folder with config.json and a tokenizer")
    elif text_name and folder is not None and (folder / "config.json").is_file():
        side = folder
    elif text_name:
        side = side_files(spec, text_name, f"{spec},text=FOLDER")
    return Recipe(name, config, weights, preprocess, folder, side)


def _named(spec: str, name: str, weights: str) -> Recipe:
    tags = open_clip.list_pretrained_tags_by_model(name)
    if not weights:
        raise UnknownNameError(f"weights of open_clip's {name!r}:", weights, [*tags, "FILE"])
    config = clip_config(name)
    about: dict[str, Any] = open_clip.get_pretrained_cfg(name, weights) or {}
    instead = f"open_clip:{name}/FILE"
    if about.get("hf_hub"):
        repository, _, file = str(about["hf_hub"]).rpartition("/")
        names = [file] if file else list(_WEIGHTS)
        path = fetched(spec, repository, names, instead)
    elif about.get("url"):
        path = fetched_address(spec, str(about["url"]), instead)
    elif Path(weights).expanduser().is_file():
        path = Path(weights).expanduser()
        # What all weights of this model want, where open_clip has any.
        about = (open_clip.get_pretrained_cfg(name, tags[0]) or {}) if tags else {}
        about = {key: about[key] for key in ("mean", "std") if key in about}
    else:
        raise UnknownNameError(f"weights of open_clip's {name!r}:", weights, [*tags, "FILE"])
    if about.get("quick_gelu"):
        config["quick_gelu"] = True
    return Recipe(f"{name}-{Path(weights).stem}", config, path, about)
