"""Merged sections → a checked KnowledgeBase. Pure; every message names the file and the value."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import get_args

from iki_knowledge.check import SurfaceTable, acyclic, build, known
from iki_knowledge.errors import KnowledgeFileError
from iki_knowledge.finding import Side
from iki_knowledge.knowledge import KnowledgeBase
from iki_knowledge.merge import Item, Source, merge
from iki_knowledge.resolve import normalise
from iki_knowledge.schema import Attribute, AttributeKind, Entry, Vocabulary
from iki_knowledge.vocabulary import assemble_vocabulary

_ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


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
    vocabulary = assemble_vocabulary(merged)
    entries = {
        name: build(Entry, {"id": name, **item.values}, item, f"entries.{name}")
        for name, item in merged["entries"].items()
    }
    attribute_ids = {attribute.id for attribute in attributes}
    for entry in entries.values():
        _check_entry(entry, merged["entries"][entry.id], attribute_ids, vocabulary)
    acyclic({entry.id: entry.parent for entry in entries.values()}, merged["entries"], "category")
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


def _attributes(items: Mapping[str, Item]) -> tuple[Attribute, ...]:
    """``kind: {value: text}`` → attributes, in the file's order."""
    found: list[Attribute] = []
    for kind, item in items.items():
        for value, text in item.values.items():
            file = item.origin(value)
            known("attribute kind", kind, get_args(AttributeKind), f"{file}: attributes")
            raw = {"id": f"{kind}:{value}", "kind": kind, "text": text}
            alone = Item(raw, dict.fromkeys(raw, file))
            found.append(build(Attribute, raw, alone, f"attributes.{kind}.{value}"))
    return tuple(found)


def _check_entry(
    entry: Entry, item: Item, attributes: Collection[str], vocabulary: Vocabulary
) -> None:
    """Every reference to a closed vocabulary holds, and every text is there."""
    where = f"entries.{entry.id}"
    if not _ID.fullmatch(entry.id):
        file = item.origin("name")
        raise KnowledgeFileError(f"{file}: category id {entry.id!r} must be snake_case (a_b)")
    references: Iterable[tuple[str, str, Iterable[str], Collection[str]]] = (
        ("attributes", "attribute", entry.attributes, attributes),
        ("severities", "severity", entry.severities, vocabulary.severities),
        ("regions", "region", entry.regions, vocabulary.regions),
        ("by_severity", "severity", entry.by_severity, entry.severities),
        ("by_place", "place", entry.by_place, (*vocabulary.regions, *get_args(Side))),
    )
    for field, what, values, allowed in references:
        for value in values:
            known(what, value, allowed, f"{item.origin(field)}: {where}.{field}")
    written: Mapping[str, Collection[str]] = {
        "name": (entry.name,),
        "explanation": (entry.explanation,),
        "attributes": entry.attributes or ("",),
        "by_severity": entry.by_severity.values(),
        "by_place": entry.by_place.values(),
    }
    for field, values in written.items():
        if not all(value.strip() for value in values):
            raise KnowledgeFileError(f"{item.origin(field)}: {where}.{field} is empty")


def _surfaces(entries: Mapping[str, Entry], items: Mapping[str, Item]) -> dict[str, str]:
    """Every id, name and alias once."""
    table = SurfaceTable[str]("category")
    for entry in entries.values():
        item = items[entry.id]
        for surface in (entry.id, entry.name):
            table.add(surface, entry.id, owner=entry.id, file=item.origin("name"))
        for surface in entry.aliases:
            table.add(surface, entry.id, owner=entry.id, file=item.origin("aliases"))
    return table.values


def _excluded(
    entries: Mapping[str, Entry], items: Mapping[str, Item], surfaces: Mapping[str, str]
) -> frozenset[str]:
    found: set[str] = set()
    for entry in entries.values():
        file = items[entry.id].origin("excludes")
        for phrase in entry.excludes:
            key = normalise(phrase)
            if key in surfaces:
                raise KnowledgeFileError(
                    f"{file}: entries.{entry.id}.excludes: {phrase!r} is an alias of "
                    f"{surfaces[key]!r}; remove it from one of them"
                )
            found.add(key)
    return frozenset(found)


def _crosswalks(
    items: Mapping[str, Item], entries: Mapping[str, Entry]
) -> dict[str, dict[str, str]]:
    crosswalks = {
        dataset: {label: str(category) for label, category in item.values.items()}
        for dataset, item in items.items()
    }
    for dataset, classes in crosswalks.items():
        for label, category in classes.items():
            where = f"{items[dataset].origin(label)}: crosswalks.{dataset}.{label}"
            known("category", category, entries, where)
    return crosswalks
