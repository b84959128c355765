"""The one error tree of the package."""

import difflib
from collections.abc import Iterable

# Names that a message lists; a library of models has a thousand.
_LISTED = 40


class BenchError(Exception):
    """Base of every error that medfilip-bench raises on purpose; its text is one clear line."""


class UnknownNameError(BenchError):
    """A model, task or label that nobody has; the message names the near ones."""

    def __init__(self, kind: str, name: str, allowed: Iterable[str]) -> None:
        """Write the message: the wrong name, the near ones, and those that are allowed."""
        known = sorted(allowed)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        listed = ", ".join(known[:_LISTED]) or "none"
        more = f" and {len(known) - _LISTED} more" if known[_LISTED:] else ""
        super().__init__(f"unknown {kind} {name!r}; {hint}allowed: {listed}{more}")


class DataError(BenchError):
    """A folder, manifest, column or label that cannot be scored as it stands."""


class ModelError(BenchError):
    """A model that cannot be loaded, or whose embeddings cannot be compared."""


class ResultError(BenchError):
    """A results folder or file that is missing or does not hold a run record."""


class NotApplicableError(BenchError):
    """A question that a model or a data set cannot be asked; no failure, but said."""
