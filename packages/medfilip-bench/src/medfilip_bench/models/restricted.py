"""Weights of files that hold other objects too: the tensors are taken, no code is run.

Some releases are files of a whole pickled network, or keep a training program's settings beside the
weights. torch's restricted unpickler reads them. It is told of the classes of a few named families,
and in their place makes `_Held`, which keeps what it is given and does nothing. The classes
themselves are never made or imported: a constructor may open a file. Anything else in a file, and
the file is refused.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from medfilip_model.errors import ConfigError
from medfilip_model.towers.weights import Source, State, read_state
from torch import Tensor

from medfilip_bench.errors import ModelError

# Prefixes of full names, or full names.
LAYERS = ("torch.nn.modules.", "torchxrayvision.models.")
SETTINGS = (
    "argparse.Namespace",
    "builtins.bool",
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.list",
    "builtins.str",
    "omegaconf.",
    "pytorch_lightning.",
    "typing.Any",
)
_DEFAULTS = "collections.defaultdict"
_WRAPPERS = ("state_dict", "model_state_dict", "model")


class _Held:
    """Stands for an object of a file: its attributes, and no behaviour."""

    def __new__(cls, *_args: object) -> "_Held":
        return super().__new__(cls)

    def __init__(self, *_args: object) -> None:
        self.inside: object = None

    def __setstate__(self, state: object) -> None:
        self.inside = state


def read_restricted(spec: str, path: Path, families: Sequence[str]) -> State:
    """Read the tensors of a file of weights.

    Args:
        spec: The model, for messages.
        path: A state dict, bare or beside other things, or a whole network.
        families: Beginnings of the names of classes that may be in the file too: `LAYERS`,
            `SETTINGS`.

    Raises:
        ModelError: If it cannot be read, or holds anything of another family.
    """
    try:
        return read_state(Source(path, spec))
    except ConfigError as error:
        if path.suffix == ".safetensors" or not path.is_file():
            raise ModelError(str(error)) from error
        found = _tensors(_load(path, families))
        if not found:
            raise ModelError(str(error)) from error
    return found


def _load(path: Path, families: Sequence[str]) -> object:
    """What the restricted unpickler makes of a file; None where it refuses it."""
    try:
        unknown = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        names = [name for name in unknown if name != _DEFAULTS]
        if not all(name.startswith(tuple(families)) for name in names):
            return None
        allowed: Any = [(_Held, name) for name in names]
        allowed.append((_empty, _DEFAULTS))
        with torch.serialization.safe_globals(allowed):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:
        # Whatever is wrong, the file is refused, for the reason that was found before.
        return None


def _empty(*_args: object) -> OrderedDict[object, object]:
    return OrderedDict()


def _tensors(found: object) -> State:
    """The tensors of a network, or of a state dict; none where there is anything else in it."""
    if isinstance(found, _Held):
        return dict(_of_layers(found, ""))
    content = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    for wrapper in _WRAPPERS:
        inner = content.get(wrapper)
        if isinstance(inner, dict):
            content = cast("dict[str, object]", inner)
            break
    state = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    return state if len(state) == len(content) else {}


def _of_layers(held: _Held, prefix: str) -> list[tuple[str, Tensor]]:
    """Names and tensors of a network as in a state dict."""
    inside: Any = held.inside
    found: list[tuple[str, Tensor]] = []
    for kind in ("_parameters", "_buffers", "_modules"):
        part: Any = inside.get(kind) if isinstance(inside, Mapping) else None
        for name, value in part.items() if isinstance(part, Mapping) else ():
            if isinstance(value, Tensor):
                found.append((f"{prefix}{name}", value.detach()))
            elif isinstance(value, _Held):
                found.extend(_of_layers(value, f"{prefix}{name}."))
    return found
