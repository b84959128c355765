"""Merged sections → a checked KnowledgeBase. Pure; every message names the file and the value."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar, cast, get_args

from pydantic import BaseModel, ValidationError

from iki_knowledge.errors import KnowledgeFileError, unknown
from iki_knowledge.finding import Side, Trend
from iki_knowledge.knowledge import KnowledgeBase
from iki_knowledge.merge import Item, Merged, Source, merge
from iki_knowledge.resolve import normalise
from iki_knowledge.schema import (
    Attribute,
    AttributeKind,
    Entry,
    Place,
    Region,
    Severity,
    Vocabulary,
)

ModelT = TypeVar("ModelT", bound=BaseModel)


def assemble(sources: Sequence[Source], *, version_suffix: str = "") -> KnowledgeBase:
    """Build the dictionary from parsed files.

    Args:
        sources: Packaged files first, then overlays.
        version_suffix: Appended to the data's version.

    Returns:
        The dictionary, with every reference checked.

    Raises:
        KnowledgeFileError: When something does not fit.
    """
    version, merged = merge(sources)
    attributes = _attributes(merged["attributes"])
    vocabulary = _vocabulary(merged)
    entries = {
        name: _model(Entry, {"id": name, **item.values}, item, f"entries.{name}")
        for name, item in merged["entries"].items()
    }
    known = {attribute.id for attribute in attributes}
    for entry in entries.values():
        _check_entry(entry, merged["entries"][entry.id], known, vocabulary)
    _check_parents(
        {entry.id: entry.parent for entry in entries.values()}, merged["entries"], "category"
    )
    surfaces = _surfaces(entries, merged["entries"])
    return KnowledgeBase(
        version=version + version_suffix,
        entries=entries,
        attributes=attributes,
        vocabulary=vocabulary,
        crosswalks=_crosswalks(merged["crosswalks"], entries),
        surfaces=surfaces,
        excluded=_excluded(entries, merged["entries"], surfaces),
    )


def _model(model: type[ModelT], values: Mapping[str, object], item: Item, where: str) -> ModelT:
    """Validate; the first problem becomes one line with its file."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = ".".join(map(str, problem["loc"]))
        file = item.origin(str(problem["loc"][0]))
        if problem["type"] == "missing":
            raise KnowledgeFileError(f"{file}: {where}: {name!r} is missing") from error
        raise KnowledgeFileError(
            f"{file}: {where}.{name}: {problem['msg']}, not {problem['input']!r}"
        ) from error


def _attributes(items: Mapping[str, Item]) -> tuple[Attribute, ...]:
    """``kind: {value: text}`` → attributes, in the file's order."""
    found: list[Attribute] = []
    for kind, item in items.items():
        for value, text in item.values.items():
            file = item.origin(value)
            _known("attribute kind", kind, get_args(AttributeKind), f"{file}: attributes")
            raw = {"id": f"{kind}:{value}", "kind": kind, "text": text}
            found.append(_model(Attribute, raw, item, f"attributes.{kind}.{value}"))
    return tuple(found)


def _vocabulary(merged: Merged) -> Vocabulary:
    severities = {
        name: _model(Severity, {"id": name, **item.values}, item, f"severities.{name}")
        for name, item in merged["severities"].items()
    }
    regions = {
        name: _model(Region, {"id": name, **item.values}, item, f"regions.{name}")
        for name, item in merged["regions"].items()
    }
    _check_parents({r.id: r.parent for r in regions.values()}, merged["regions"], "region")
    grades = _Table("severity")
    for severity in severities.values():
        grades.add(merged["severities"][severity.id].origin("aliases"), severity.id, severity.id)
        for alias in severity.aliases:
            grades.add(merged["severities"][severity.id].origin("aliases"), alias, severity.id)
    trends = _Table("trend")
    for trend, item in merged["trends"].items():
        _known("trend", trend, get_args(Trend), f"{item.origin('words')}: trends")
        for word in _texts(item, "words", f"trends.{trend}"):
            trends.add(item.origin("words"), word, trend)
    return Vocabulary(
        severities=severities,
        regions=regions,
        severity_surfaces=grades.values,
        places=_places(merged, regions),
        trends=cast("dict[str, Trend]", trends.values),
    )


def _places(merged: Merged, regions: Mapping[str, Region]) -> dict[str, Place]:
    """Sides, regions (id, name, adjective, aliases) and adjectives that mean both at once."""
    table = _Table("place")
    for region in regions.values():
        file = merged["regions"][region.id].origin("aliases")
        for word in (region.id, region.name, region.adjective, *region.aliases):
            table.add(file, word, f"{region.side or ''}|{region.id}")
    for side, item in merged["sides"].items():
        _known("side", side, get_args(Side), f"{item.origin('words')}: sides")
        for word in _texts(item, "words", f"sides.{side}"):
            table.add(item.origin("words"), word, f"{side}|")
    for name, item in merged["places"].items():
        place = _model(
            Place, {k: v for k, v in item.values.items() if k != "words"}, item, f"places.{name}"
        )
        if place.region is not None:
            _known("region", place.region, regions, f"{item.origin('region')}: places.{name}")
        words = _texts(item, "words", f"places.{name}") if "words" in item.values else []
        for word in (name, *words):
            table.add(item.origin("words"), word, f"{place.side or ''}|{place.region or ''}")
    return {
        surface: Place.model_validate(
            {"side": value.split("|")[0] or None, "region": value.split("|")[1] or None}
        )
        for surface, value in table.values.items()
    }


class _Table:
    """Surface form → value; a form that two values claim is an error that names both files."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.values: dict[str, str] = {}
        self.origins: dict[str, str] = {}

    def add(self, file: str, surface: str, value: str) -> None:
        key = normalise(surface)
        if not key:
            raise KnowledgeFileError(f"{file}: {value}: alias {surface!r} has no letter or digit")
        if self.values.setdefault(key, value) != value:
            raise KnowledgeFileError(
                f"{file}: {self.what} alias {surface!r} of {value!r} already means "
                f"{self.values[key]!r} in {self.origins[key]}; remove it from one of them"
            )
        self.origins.setdefault(key, file)


def _texts(item: Item, name: str, where: str) -> list[str]:
    """A field that must be a list of texts."""
    value = item.values.get(name)
    if not isinstance(value, list) or not all(
        isinstance(text, str) for text in cast("list[object]", value)
    ):
        raise KnowledgeFileError(
            f"{item.origin(name)}: {where} must be a list of texts, not {value!r}"
        )
    return cast("list[str]", value)


def _known(what: str, value: str, allowed: Collection[str], where: str) -> None:
    if value not in allowed:
        raise KnowledgeFileError(f"{where}: {unknown(what, value, allowed)}")


def _check_entry(
    entry: Entry, item: Item, attributes: Collection[str], vocabulary: Vocabulary
) -> None:
    """Texts are there, and every reference to a closed vocabulary holds."""
    where = f"entries.{entry.id}"
    references: Iterable[tuple[str, Iterable[str], Collection[str], str]] = (
        ("attribute", entry.attributes, attributes, "attributes"),
        ("severity", entry.severities, vocabulary.severities, "severities"),
        ("region", entry.regions, vocabulary.regions, "regions"),
        ("severity", entry.by_severity, entry.severities, "by_severity"),
        ("place", entry.by_place, (*vocabulary.regions, *get_args(Side)), "by_place"),
    )
    for what, values, allowed, name in references:
        for value in values:
            _known(what, value, allowed, f"{item.origin(name)}: {where}.{name}")
    texts = {
        "name": (entry.name,),
        "explanation": (entry.explanation,),
        "attributes": entry.attributes,
        "by_severity": entry.by_severity.values(),
        "by_place": entry.by_place.values(),
    }
    for name, values in texts.items():
        if name in ("name", "explanation", "attributes") and not values:
            raise KnowledgeFileError(f"{item.origin(name)}: {where}.{name} is empty")
        if not all(value.strip() for value in values):
            raise KnowledgeFileError(f"{item.origin(name)}: {where}.{name} is empty")


def _check_parents(parents: Mapping[str, str | None], items: Mapping[str, Item], what: str) -> None:
    """Every parent exists and no chain of parents returns to its start."""
    for name, parent in parents.items():
        if parent is not None:
            _known(what, parent, parents, f"{items[name].origin('parent')}: {name}.parent")
    for name in parents:
        chain = [name]
        while (parent := parents[chain[-1]]) is not None:
            chain.append(parent)
            if parent in chain[:-1]:
                raise KnowledgeFileError(
                    f"{items[name].origin('parent')}: cycle of parents: {' -> '.join(chain)}"
                )


def _surfaces(entries: Mapping[str, Entry], items: Mapping[str, Item]) -> dict[str, str]:
    """Every id, name and alias once."""
    table = _Table("category")
    for entry in entries.values():
        table.add(items[entry.id].origin("name"), entry.id, entry.id)
        table.add(items[entry.id].origin("name"), entry.name, entry.id)
        for alias in entry.aliases:
            table.add(items[entry.id].origin("aliases"), alias, entry.id)
    return table.values


def _excluded(
    entries: Mapping[str, Entry], items: Mapping[str, Item], surfaces: Mapping[str, str]
) -> frozenset[str]:
    found: set[str] = set()
    for entry in entries.values():
        for phrase in entry.excludes:
            key = normalise(phrase)
            if key in surfaces:
                raise KnowledgeFileError(
                    f"{items[entry.id].origin('excludes')}: entries.{entry.id}.excludes: "
                    f"{phrase!r} is an alias of {surfaces[key]!r}"
                )
            found.add(key)
    return frozenset(found)


def _crosswalks(
    items: Mapping[str, Item], entries: Mapping[str, Entry]
) -> dict[str, dict[str, str]]:
    for dataset, item in items.items():
        for label, category in item.values.items():
            where = f"{item.origin(label)}: crosswalks.{dataset}.{label}"
            _known("category", str(category), entries, where)
    return {
        dataset: {label: str(category) for label, category in item.values.items()}
        for dataset, item in items.items()
    }
