"""What stands behind a model's name: a main part, and options ``,key=value``."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from medfilip_bench.errors import ModelError, UnknownNameError

_OPTION = re.compile(r",(?P<key>[a-z_]+)=(?P<value>[^,]*)$")


def split_options(
    kind: str, argument: str, allowed: Collection[str] = ()
) -> tuple[str, Mapping[str, str]]:
    """Take the options off the end of an argument.

    Args:
        kind: The name in front, for messages: ``timm``.
        argument: What stands behind it: ``resnet50@random,size=96``.
        allowed: Keys that may stand there.

    Returns:
        The main part and the options.

    Raises:
        ModelError: If the main part is empty, or an option is given twice.
        UnknownNameError: If a key is not allowed.
    """
    spec, options = argument, dict[str, str]()
    while found := _OPTION.search(argument):
        key = found["key"]
        if key not in allowed:
            raise UnknownNameError(f"option of {kind + ':' + spec!r}:", key, allowed)
        if key in options:
            raise ModelError(f"{kind + ':' + spec!r}: the option {key!r} is given twice")
        options[key] = found["value"]
        argument = argument[: found.start()]
    if not argument:
        raise ModelError(f"a name or a file must follow '{kind}:', got {kind + ':' + spec!r}")
    return argument, options


def whole_number(spec: str, key: str, value: str, least: int = 1) -> int:
    """Read a whole number.

    Raises:
        ModelError: If it is none, or less than `least`.
    """
    if not value.isdecimal() or int(value) < least:
        raise ModelError(f"{spec!r}: {key} is a whole number of at least {least}, got {value!r}")
    return int(value)


def existing(spec: str, path: str, what: str) -> Path:
    """Return the path of a file or folder that must be there.

    Args:
        spec: The model, for the message.
        path: The path as given.
        what: What it should be, for the message: ``"a file of weights"``.

    Raises:
        ModelError: If nothing is there.
    """
    found = Path(path).expanduser()
    if not found.exists():
        raise ModelError(f"{spec!r}: there is no {path!r}; give {what}")
    return found
