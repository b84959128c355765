"""What every part of a dictionary file is checked with. Pure; each message names file and value."""

from collections.abc import Collection, Mapping
from typing import Generic, TypeVar, cast

from pydantic import BaseModel, ValidationError

from iki_knowledge.errors import KnowledgeFileError, unknown
from iki_knowledge.merge import Item
from iki_knowledge.resolve import LONGEST, normalise

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
        self._owners: dict[str, tuple[str, str]] = {}

    def add(self, surface: str, value: T, *, owner: str, file: str) -> None:
        """Add a surface form; the same form for the same value again does nothing.

        Args:
            surface: As written.
            value: What it means.
            owner: The name it is written under.
            file: The file it is written in.

        Raises:
            KnowledgeFileError: When it means something else already (both files are named), has no
                letter or digit, or too many words.
        """
        key = normalise(surface)
        where = f"{file}: {self.what} {owner!r}: alias {surface!r}"
        if not key:
            raise KnowledgeFileError(f"{where} has no letter or digit")
        if key.count(" ") >= LONGEST:
            raise KnowledgeFileError(f"{where} has more than {LONGEST} words")
        if key in self.values and self.values[key] != value:
            first, first_file = self._owners[key]
            raise KnowledgeFileError(
                f"{where} already means {first!r} in {first_file}; remove it from one of them"
            )
        self.values.setdefault(key, value)
        self._owners.setdefault(key, (owner, file))


def build(model: type[ModelT], values: Mapping[str, object], item: Item, where: str) -> ModelT:
    """Validate values against a model; the first problem becomes one line with its file.

    Raises:
        KnowledgeFileError: When a field is missing or has the wrong type.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = ".".join(map(str, problem["loc"]))
        file = item.origin(str(problem["loc"][0]))
        if problem["type"] == "missing":
            raise KnowledgeFileError(f"{file}: {where}: {name!r} is missing") from error
        given = problem["input"]
        raise KnowledgeFileError(
            f"{file}: {where}.{name}: {problem['msg']}, not {given!r}"
        ) from error


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


def known(what: str, value: str, allowed: Collection[str], where: str) -> None:
    """Raise KnowledgeFileError, with the nearest allowed values, unless `value` is allowed."""
    if value not in allowed:
        raise KnowledgeFileError(f"{where}: {unknown(what, value, allowed)}")


def acyclic(parents: Mapping[str, str | None], items: Mapping[str, Item], what: str) -> None:
    """Raise KnowledgeFileError unless every parent exists and no chain of parents closes."""
    for name, parent in parents.items():
        if parent is not None:
            known(what, parent, parents, f"{items[name].origin('parent')}: {name}.parent")
    for name in parents:
        chain = [name]
        while (parent := parents[chain[-1]]) is not None:
            chain.append(parent)
            if parent in chain[:-1]:
                file = items[name].origin("parent")
                raise KnowledgeFileError(f"{file}: cycle of parents: {' -> '.join(chain)}")
