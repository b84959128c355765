"""A config from a recipe, a TOML file and ``key=value`` settings, in this order."""

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import cast

from medfilip_model.config import TrainConfig, parse_config
from medfilip_model.errors import ConfigError
from medfilip_model.recipes import RECIPES

_NOTHING = ("none", "null")


def recipe(name: str) -> TrainConfig:
    """Return the config of a recipe.

    Raises:
        ConfigError: There is none of that name; near ones are named.
    """
    if name not in RECIPES:
        near = get_close_matches(name, RECIPES, n=2)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ConfigError(f"no recipe {name!r}{hint} (there are {', '.join(RECIPES)})")
    return RECIPES[name]()


def build_config(
    name: str | None = None,
    *,
    file: Path | None = None,
    settings: Sequence[str] = (),
    changes: Mapping[str, object] | None = None,
) -> TrainConfig:
    """Build a config.

    Args:
        name: The recipe to start from; by default the file's own ``recipe``, else ``phantom``.
        file: A TOML file with any of a config's keys, tables for the nested ones.
        settings: ``key=value`` with dots between levels (``model.size=128``); the value is read as
            TOML, else as a string; ``none`` is None.
        changes: Values by field with ``__`` between levels, as `TrainConfig.replace` takes them.

    Raises:
        ConfigError: The file cannot be read, or a key or a value is not allowed.
    """
    tree = {} if file is None else read_toml(file)
    named = tree.get("recipe")
    start = name or (named if isinstance(named, str) and named in RECIPES else None)
    config = recipe(start or "phantom")
    merged = merge(config.model_dump(), {k: v for k, v in tree.items() if k != "recipe"})
    for setting in settings:
        _assign(merged, setting)
    return parse_config(merged).replace(**(changes or {}))


def read_toml(file: Path) -> dict[str, object]:
    """Read a TOML file.

    Raises:
        ConfigError: It cannot be read or is no TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {str(file)!r}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{str(file)!r} is no TOML: {error}") from error


def merge(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Lay one nested dictionary over another; where both have a table, key by key."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        tables = isinstance(value, Mapping) and isinstance(below, Mapping)
        result[key] = merge(_table(below), _table(value)) if tables else value
    return result


def _table(value: object) -> Mapping[str, object]:
    return cast(Mapping[str, object], value)


def differences(first: TrainConfig, second: TrainConfig) -> dict[str, tuple[object, object]]:
    """Return every setting that differs, by its dotted key, except the run's name and folder."""
    left, right = flatten(first.model_dump(mode="json")), flatten(second.model_dump(mode="json"))
    keys = [key for key in {**left, **right} if key not in ("recipe", "out")]
    return {key: (left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key)}


def flatten(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return the leaves of a nested dictionary by their dotted keys."""
    leaves: dict[str, object] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        leaves |= flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return leaves


def _assign(tree: dict[str, object], setting: str) -> None:
    key, sign, text = setting.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"setting {setting!r} is not of the form key=value, e.g. model.size=128")
    *path, last = key.strip().split(".")
    node = tree
    for name in path:
        below = node.get(name)
        if below is None:
            below = node[name] = {}
        if not isinstance(below, dict):
            raise ConfigError(f"setting {setting!r}: {name!r} has no settings below it")
        node = below
    node[last] = _value(text.strip())


def _value(text: str) -> object:
    if text.lower() in _NOTHING:
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
