"""Name → model: one dict of lazy loaders with one return type."""

import difflib
import importlib
from collections.abc import Callable, Mapping
from typing import cast

from medfilip_bench.errors import ModelError, UnknownNameError
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.custom import is_custom, is_importable, load_custom

CUSTOM = "module:function"
MODELS: Mapping[str, str] = {
    "run:PATH": "a run folder of medfilip-train, a checkpoint, or the hub folder made of one",
    "open_clip:NAME/WEIGHTS": "CLIP of open_clip: a tag of its own, or a local file",
    "open_clip:FOLDER": "CLIP of open_clip in a folder with open_clip_config.json, or 'hf-hub:...'",
    "hf:NAME_OR_FOLDER": "CLIP-like or SigLIP-like model of transformers",
    "timm:NAME": "image encoder with timm's weights; @FILE, @random, @random:SEED; ,size=S",
    "torchxrayvision:NAME": "supervised classifier of torchxrayvision; @FILE",
    "medclip:FILE": "MedCLIP's released checkpoint; ,text=FOLDER",
    "medklip:FILE": "MedKLIP's released checkpoint; ,text=FOLDER",
    "gloria:FILE": "GLoRIA's released checkpoint; ,text=FOLDER",
    "biovil:FILE": "BioViL's released image encoder; ,text=FOLDER",
    "chexzero:FILE": "CheXzero's released checkpoint",
    "biomedclip:FOLDER": "BiomedCLIP: a folder with open_clip_config.json",
    "random": "random embeddings: chance level",
    CUSTOM: "a model of your own: a function that returns an object with two methods",
}
# Name -> module and function: a library is imported when a model of it is asked for.
_LOADERS: Mapping[str, str] = {
    "run": "run:load_run",
    "open_clip": "open_clip_model:load_open_clip",
    "hf": "transformers_model:load_transformers",
    "timm": "timm_model:load_timm",
    "torchxrayvision": "xray_vision:load_xray_vision",
    "medclip": "released.medclip:load_medclip",
    "medklip": "released.medklip:load_medklip",
    "gloria": "released.gloria:load_gloria",
    "biovil": "released.biovil:load_biovil",
    "chexzero": "released.chexzero:load_chexzero",
    "biomedclip": "released.biomedclip:load_biomedclip",
    "random": "chance:load_random",
}
Loader = Callable[[str, str], LoadedModel]


def load(spec: str, *, device: str = "cpu") -> LoadedModel:
    """Load a model by its name.

    Args:
        spec: One of `MODELS`.
        device: Where it is put: ``cpu``, ``cuda:0``.

    Raises:
        UnknownNameError: If the name is unknown; the message suggests near ones.
        ModelError: If the model cannot be had, or its weights do not fit.
        CheckpointError: If a run cannot be loaded.
    """
    name, _, argument = spec.partition(":")
    if name in _LOADERS:
        module, _, function = _LOADERS[name].partition(":")
        found = importlib.import_module(f"medfilip_bench.models.{module}")
        return cast(Loader, getattr(found, function))(argument, device)
    if is_custom(spec):
        if is_importable(name):
            return load_custom(spec, device)
        if not difflib.get_close_matches(name, _LOADERS, n=1):
            raise ModelError(
                f"{spec!r}: there is no module {name!r} in the working directory or among the "
                f"installed ones; models are {', '.join(MODELS)}"
            )
    raise UnknownNameError("model", name, [*_LOADERS, CUSTOM])
