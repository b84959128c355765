"""A nested state (dictionaries, lists, numbers, tensors) as tensors by name and JSON: no pickle."""

from collections.abc import Mapping
from typing import cast

from torch import Tensor

# One-key dictionaries that JSON cannot mean otherwise.
_TENSOR, _PAIRS = "$tensor", "$pairs"


def flatten(tree: object, path: str = "") -> tuple[dict[str, Tensor], object]:
    """Take a state apart.

    Args:
        tree: Nested dictionaries (keys: strings or integers), lists and tuples of tensors, numbers,
            strings, booleans and None.
        path: Name of the whole in the names of its tensors.

    Returns:
        Its tensors by name, and JSON that says where each stands.

    Raises:
        TypeError: If it holds anything else.
    """
    if isinstance(tree, Tensor):
        return {path: tree}, {_TENSOR: path}
    if tree is None or isinstance(tree, bool | int | float | str):
        return {}, tree
    if isinstance(tree, list | tuple):
        items = cast(list[object], tree)
        found = [flatten(item, _join(path, n)) for n, item in enumerate(items)]
        return {k: v for part, _ in found for k, v in part.items()}, [json for _, json in found]
    if isinstance(tree, Mapping):
        pairs = cast(Mapping[str | int, object], tree).items()
        parts = [(key, *flatten(value, _join(path, key))) for key, value in pairs]
        tensors = {k: v for _, part, _ in parts for k, v in part.items()}
        if all(isinstance(key, str) for key, _, _ in parts):
            return tensors, {str(key): json for key, _, json in parts}
        return tensors, {_PAIRS: [[key, json] for key, _, json in parts]}
    raise TypeError(f"a {type(tree).__name__} at {path!r} cannot be saved as tensors and JSON")


def unflatten(tensors: Mapping[str, Tensor], json: object) -> object:
    """Put together what `flatten` took apart; tuples come back as lists.

    Raises:
        KeyError: If a tensor is missing.
    """
    if isinstance(json, list):
        return [unflatten(tensors, item) for item in cast(list[object], json)]
    if not isinstance(json, dict):
        return json
    match cast(dict[str, object], json):
        case {"$tensor": str(name)}:
            return tensors[name]
        case {"$pairs": list(pairs)}:
            return {key: unflatten(tensors, value) for key, value in cast(list[list[int]], pairs)}
        case _:
            return {
                key: unflatten(tensors, value)
                for key, value in cast(dict[str, object], json).items()
            }


def _join(path: str, key: str | int) -> str:
    return f"{path}/{key}" if path else str(key)
