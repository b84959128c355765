"""What every part of a dictionary file is checked with. Pure; each message names file and value."""

from collections.abc import Collection, Mapping
from typing import Generic, TypeVar, cast

from pydantic import BaseModel, ValidationError

from iki_knowledge.errors import KnowledgeFileError, unknown
from iki_knowledge.merge import Item
from iki_knowledge.resolve import LONGEST, normalise
from iki_knowledge.spot import Spot

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=BaseModel)


class SurfaceTable(Generic[T]):
    """Normalised surface form → value, while it is filled.

    Args:
        what: The kind of thing that the forms name, for messages.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.values: dict[str, T] = {}
        self._owners: dict[str, tuple[str, Spot]] = {}

    def add(self, surface: str, value: T, *, owner: str, spot: Spot) -> None:
        """Add a surface form; the same form for the same value again does nothing.

        Args:
            surface: As written.
            value: What it means.
            owner: The name it is written under.
            spot: Where it is written.

        Raises:
            KnowledgeFileError: When it means something else already (both files are named), has no
                letter or digit, or too many words.
        """
        key = normalise(surface)
        if not key:
            raise self._error(spot, owner, surface, "has no letter or digit")
        if key.count(" ") >= LONGEST:
            raise self._error(spot, owner, surface, f"has more than {LONGEST} words")
        if key in self.values and self.values[key] != value:
            (first, there), (second, here) = self._owners[key], (owner, spot)
            # The user's own file comes first: that is the one to mend.
            if there.source.overlay and not here.source.overlay:
                first, there, second, here = second, here, first, there
            problem = f"already means {first!r} in {there}; remove it from one of them"
            raise self._error(here, second, surface, problem)
        self.values.setdefault(key, value)
        self._owners.setdefault(key, (owner, spot))

    def _error(self, spot: Spot, owner: str, surface: str, problem: str) -> KnowledgeFileError:
        return KnowledgeFileError(f"{spot}: {self.what} {owner!r}: alias {surface!r} {problem}")


def build(model: type[ModelT], values: Mapping[str, object], item: Item, where: str) -> ModelT:
    """Validate values against a model; the first problem becomes one line with its file.

    Raises:
        KnowledgeFileError: When a field is missing, has the wrong type or does not exist.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        path = tuple(map(str, problem["loc"]))
        spot, name = item.origin(*path), ".".join(path)
        if problem["type"] == "missing":
            raise KnowledgeFileError(f"{spot}: {where}: {name!r} is missing") from error
        if problem["type"] == "extra_forbidden":
            allowed = _fields_at(model, path)
            message = unknown("key", path[-1], allowed)
            raise KnowledgeFileError(
                f"{spot}: {'.'.join((where, *path[:-1]))}: {message}"
            ) from error
        given = problem["input"]
        raise KnowledgeFileError(
            f"{spot}: {where}.{name}: {problem['msg']}, not {given!r}"
        ) from error


def _fields_at(model: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    """The fields of the model in which the last part of a path was not expected."""
    for part in path[:-1]:
        if part in model.model_fields:
            inner = model.model_fields[part].annotation
            nested = [kind for kind in getattr(inner, "__args__", ()) if isinstance(kind, type)]
            model = next((kind for kind in nested if issubclass(kind, BaseModel)), model)
    return [name for name in model.model_fields if name != "id"]


def texts(item: Item, name: str, where: str) -> list[str]:
    """A field that must be a list of texts.

    Raises:
        KnowledgeFileError: When it is anything else.
    """
    value = item.values.get(name)
    found = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(text, str) for text in found):
        raise KnowledgeFileError(
            f"{item.origin(name)}: {where} must be a list of texts, not {value!r}"
        )
    return cast("list[str]", found)


def known(what: str, value: str, allowed: Collection[str], spot: Spot, where: str) -> None:
    """Raise KnowledgeFileError, with the nearest allowed values, unless `value` is allowed."""
    if value not in allowed:
        raise KnowledgeFileError(f"{spot}: {where}: {unknown(what, value, allowed)}")


def acyclic(parents: Mapping[str, str | None], items: Mapping[str, Item], what: str) -> None:
    """Raise KnowledgeFileError unless every parent exists and no chain of parents closes."""
    for name, parent in parents.items():
        if parent is not None:
            known(what, parent, parents, items[name].origin("parent"), f"{name}.parent")
    for name in parents:
        chain = [name]
        while (parent := parents[chain[-1]]) is not None:
            chain.append(parent)
            if parent in chain[:-1]:
                spot = items[name].origin("parent")
                raise KnowledgeFileError(f"{spot}: cycle of parents: {' -> '.join(chain)}")
