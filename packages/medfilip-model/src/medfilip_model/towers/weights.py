"""Weights from a file: read without running code, fitted to a model key by key, or refused."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal, cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from medfilip_model.errors import ConfigError

# The settings that name weights.
IMAGE_SETTING = "model.image.weights"
TEXT_SETTING = "model.text.weights"

_PICKLES = (".pt", ".pth", ".bin")
# Of another library, but of the same network: names differ, order does not.
_ORDERED = "ordered:"
# Where training scripts keep the weights among other things.
_WRAPPERS = ("state_dict", "model_state_dict", "model")
# Counters and masks, which are not learned; old files lack them or have them beside.
_IDLE = ("num_batches_tracked", "attn_mask", "position_ids")
# Of CLIP as a whole, and in neither tower.
_CLIP_OWN = ("logit_scale", "logit_bias", "input_resolution", "context_length", "vocab_size")

State = dict[str, Tensor]


@dataclass(frozen=True)
class Source:
    """A file of weights.

    Attributes:
        path: The file.
        setting: The setting that named it, such as ``"model.image.weights"``.
        ordered: Whether its weights are matched by their order in place of their names.
    """

    path: Path
    setting: str
    ordered: bool = False


def local_source(spec: str, setting: str, *, known: Iterable[str]) -> Source:
    """The file that a setting names.

    Args:
        spec: A path; ``ordered:PATH`` for a file of another library's names.
        setting: The setting.
        known: What else the setting could have been, for the message.

    Raises:
        ConfigError: If there is no such file.
    """
    path = Path(spec.removeprefix(_ORDERED)).expanduser()
    if not path.is_file():
        names = ", ".join(map(repr, known))
        raise ConfigError(
            f"{setting}: {spec!r} is no file"
            + (f", and none of {names}" if names else "")
            + f"; give a file of weights, or '--set {setting}=none' for random ones"
        )
    return Source(path, setting, ordered=spec.startswith(_ORDERED))


def read_state(source: Source) -> State:
    """Read the tensors of a file; a pickle is read as tensors only, and never run.

    Args:
        source: A .safetensors file, or a .pt, .pth or .bin file that holds a state dict, bare or
            under the key that training scripts keep it at, with or without ``module.`` before each
            name.

    Returns:
        Names and tensors, in the order of the file.

    Raises:
        ConfigError: If it cannot be read, or holds anything else.
    """
    path = source.path
    try:
        content = _read(path)
    except (UnpicklingError, SafetensorError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise ConfigError(f"{source.setting}: {str(path)!r} {_cause(error)}") from error
    while wrapper := next((key for key in _WRAPPERS if isinstance(content.get(key), dict)), None):
        content = cast(dict[str, Any], content[wrapper])
    other = next((key for key, value in content.items() if not isinstance(value, Tensor)), None)
    if other is not None or not content:
        what = f"an entry {other!r} that is no tensor" if content else "nothing"
        raise ConfigError(f"{source.setting}: {str(path)!r} is no state dict: it holds {what}")
    if all(name.startswith("module.") for name in content):
        content = {name.removeprefix("module."): value for name, value in content.items()}
    return content


def clip_part(state: State, part: Literal["visual", "text"]) -> State:
    """Take one tower's weights out of those of a whole CLIP; a single tower's are left alone.

    CLIP has the image tower under ``visual.``, and the text tower under ``text.`` or beside it.
    """
    if not any(name.startswith("visual.") for name in state):
        return state
    prefix = "visual." if part == "visual" else "text."
    if part == "text" and not any(name.startswith(prefix) for name in state):
        aside = ("visual.", *_CLIP_OWN)
        return {name: value for name, value in state.items() if not name.startswith(aside)}
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def without(state: State, prefixes: Iterable[str]) -> State:
    """Leave out modules by name, such as a classifier."""
    starts = tuple(f"{prefix}." for prefix in prefixes)
    return {name: value for name, value in state.items() if not name.startswith(starts)}


def load_exactly(model: nn.Module, state: State, source: Source) -> None:
    """Load weights into a model; every one of the model's must be there, and no other.

    Args:
        model: The model.
        state: Names and tensors.
        source: Where they are from.

    Raises:
        ConfigError: If names or shapes differ; the first three are named.
    """
    own = _learned(model.state_dict())
    given = _learned(state)
    if source.ordered:
        given = _in_order(own, given, source)
    faults = _faults(own, given)
    if faults:
        hint = ""
        if not source.ordered and _fits_in_order(own, given):
            hint = (
                ". Their order, kinds and shapes are the model's: if it is the same network of "
                f"another library, give '{source.setting}={_ORDERED}{source.path}'"
            )
        raise ConfigError(
            f"{source.setting}: {str(source.path)!r} does not fit the model: "
            f"{'; '.join(faults[:3])}"
            + (f"; {len(faults)} faults in all" if faults[3:] else "")
            + hint
        )
    model.load_state_dict(given, strict=False)


def _read(path: Path) -> dict[str, Any]:
    if path.suffix == ".safetensors":
        import safetensors.torch

        return dict(safetensors.torch.load_file(path))
    if path.suffix not in _PICKLES:
        raise ValueError(f"is of no kind that is read: .safetensors, {', '.join(_PICKLES)}")
    with warnings.catch_warnings():
        # Of kinds of files that are refused below in any case.
        warnings.simplefilter("ignore")
        content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict):
        raise ValueError(f"holds a {type(content).__name__} in place of a state dict")
    return cast(dict[str, Any], content)


def _cause(error: Exception) -> str:
    text = str(error)
    if "TorchScript" in text:
        return "is a TorchScript program, which is not run; get the same weights as safetensors"
    if isinstance(error, UnpicklingError) or "weights_only" in text:
        return (
            "is a pickle with more in it than tensors, or none at all; such a file can run code "
            "and is not loaded: get the same weights as safetensors"
        )
    if isinstance(error, ValueError):
        return text
    line = text.splitlines()[0] if text else type(error).__name__
    return f"is cut short or damaged ({line}); fetch it again"


def _learned(state: Mapping[str, Tensor]) -> State:
    return {name: value for name, value in state.items() if not name.endswith(_IDLE)}


def _faults(own: State, given: State) -> list[str]:
    missing = [f"{name!r} is missing" for name in own if name not in given]
    unknown = [f"{name!r} is not in the model" for name in given if name not in own]
    misshapen = [
        f"{name!r} is {list(given[name].shape)} in place of {list(value.shape)}"
        for name, value in own.items()
        if name in given and given[name].shape != value.shape
    ]
    # One of each kind tells more than three of the first.
    return [fault for kind in (missing, unknown, misshapen) for fault in kind[:1]] + [
        fault for kind in (missing, unknown, misshapen) for fault in kind[1:]
    ]


def _signature(state: Mapping[str, Tensor]) -> list[tuple[str, tuple[int, ...]]]:
    return [(name.rpartition(".")[2], tuple(value.shape)) for name, value in state.items()]


def _fits_in_order(own: State, given: State) -> bool:
    return _signature(own) == _signature(_headless(own, given))


def _in_order(own: State, given: State, source: Source) -> State:
    """Rename by position: the n-th weight of the file is the n-th of the model.

    Two libraries that build the same network layer by layer list its weights in the same order.
    The last part of each name (weight, bias, running_mean, running_var) and each shape must agree;
    else nothing is loaded.
    """
    bare = _headless(own, given)
    mine, theirs = _signature(own), _signature(bare)
    for place, (name, (kind, shape)) in enumerate(zip(own, mine, strict=True)):
        if place >= len(theirs) or theirs[place] != (kind, shape):
            other = list(bare)[place] if place < len(theirs) else "nothing"
            raise ConfigError(
                f"{source.setting}: {str(source.path)!r} does not fit the model in its order: at "
                f"place {place} the model has {name!r} {list(shape)}, the file {other!r}"
                + (f" {list(theirs[place][1])}" if place < len(theirs) else "")
            )
    if len(theirs) > len(mine):
        raise ConfigError(
            f"{source.setting}: {str(source.path)!r} does not fit the model in its order: it goes "
            f"on with {list(bare)[len(mine)]!r} where the model ends"
        )
    return dict(zip(own, bare.values(), strict=True))


def _headless(own: State, given: State) -> State:
    """Leave out a last linear layer that the model lacks: the classifier."""
    names = list(given)
    if len(names) != len(own) + 2 or [given[name].ndim for name in names[-2:]] != [2, 1]:
        return given
    return {name: given[name] for name in names[:-2]}
