"""Where in a dictionary file something is written; worked out only when a message shows it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml


@dataclass(frozen=True, slots=True)
class Source:
    """One file as parsed: its name for messages, its content, and whether it is an overlay.

    Attributes:
        name: Path or file name.
        data: The parsed content.
        overlay: Whether a user laid it on top of the packaged files.
        text: The file as written; empty where no lines are wanted.
    """

    name: str
    data: object
    overlay: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Spot:
    """A value in a file; as text it is ``file:line``, or the file alone where no line is known.

    Attributes:
        source: The file.
        path: Keys from the top, and for an item of a list its text. What the file does not have
            is passed over, so that the nearest enclosing line is named.
    """

    source: Source
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        line = line_of(self.source.text, self.path) if self.source.text and self.path else None
        return self.source.name if line is None else f"{self.source.name}:{line}"


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """The line, from 1, on which the deepest known part of a path stands.

    Args:
        text: A YAML document.
        path: As in `Spot`.

    Returns:
        The line; None when not even the first key is there.
    """
    import yaml  # only an error pays for it

    node: yaml.Node | None = yaml.compose(text, yaml.SafeLoader)
    line = None
    for part in path:
        found = _step(node, part)
        if found is not None:
            line, node = found
    return line


def _step(node: "yaml.Node | None", part: str) -> "tuple[int, yaml.Node] | None":
    """The line and the value of a key of a mapping, or of an item of a list."""
    value = getattr(node, "value", None)
    if not isinstance(value, list):
        return None
    for item in value:
        key, below = item if isinstance(item, tuple) else (item, item)
        # An overlay may write `aliases` as `add_aliases`.
        if str(key.value) in (part, f"add_{part}"):
            return key.start_mark.line + 1, below
    return None
