"""One error tree, and the wording that every message shares."""

from collections.abc import Iterable


class IkiError(Exception):
    """Base of every error that iki-knowledge raises on purpose."""


class UnknownNameError(IkiError, KeyError):
    """A name (category, data set, template, severity, side, region) that the dictionary lacks.

    Also a `KeyError`, since it is what ``kb["no_such_id"]`` raises.
    """

    def __init__(self, what: str, value: object, allowed: Iterable[str]) -> None:
        super().__init__(unknown(what, value, allowed))

    def __str__(self) -> str:
        # KeyError would show the repr of the message.
        return str(self.args[0])

    def __reduce__(self) -> tuple[object, ...]:
        # The three arguments are folded into one message: rebuild from that.
        return (_rebuild, (type(self), self.args[0]))


class UnknownCategoryError(UnknownNameError):
    """A category id that the dictionary lacks."""


class KnowledgeFileError(IkiError):
    """A dictionary file that cannot be used; the message names the file and the value."""


def _rebuild(kind: type[UnknownNameError], message: str) -> UnknownNameError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    return error


def unknown(what: str, value: object, allowed: Iterable[str]) -> str:
    """Say that `value` is no `what`, with the nearest allowed values (or all, when few).

    Args:
        what: The kind of thing, e.g. ``"category"``.
        value: What was given.
        allowed: The names that exist.

    Returns:
        One line.
    """
    from difflib import get_close_matches  # only an error pays for it

    names = sorted(allowed)
    near = get_close_matches(str(value).lower(), names, n=3, cutoff=0.6)
    if near:
        return f"unknown {what} {value!r}; did you mean {' or '.join(map(repr, near))}?"
    if len(names) <= 16:
        return f"unknown {what} {value!r}; allowed are {', '.join(names)}"
    return f"unknown {what} {value!r}; none of the {len(names)} known names is near"
