"""Merged sections → a checked KnowledgeBase. Pure; every message names the file and the value."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import cast, get_args

from iki_knowledge.check import SurfaceTable, acyclic, build, known
from iki_knowledge.errors import KnowledgeFileError
from iki_knowledge.finding import Side
from iki_knowledge.knowledge import KnowledgeBase
from iki_knowledge.merge import Item, as_mapping, merge
from iki_knowledge.resolve import normalise
from iki_knowledge.schema import (
    Attribute,
    AttributeKind,
    Code,
    Entry,
    Reference,
    Subclass,
    Vocabulary,
)
from iki_knowledge.spot import Source
from iki_knowledge.vocabulary import assemble_vocabulary

Items = Mapping[str, Item]
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
    items = merged["entries"]
    attributes = _attributes(merged["attributes"])
    vocabulary = assemble_vocabulary(merged)
    references = {
        name: build(Reference, {"id": name, **item.values}, item, f"references.{name}")
        for name, item in merged["references"].items()
    }
    codes = _codes(merged["codes"], items, references)
    entries = {
        name: build(
            Entry,
            {"id": name, "codes": codes.get(name, ()), **item.values},
            item,
            f"entries.{name}",
        )
        for name, item in items.items()
    }
    attribute_ids = {attribute.id for attribute in attributes}
    for entry in entries.values():
        _check_entry(entry, items[entry.id], attribute_ids, vocabulary)
        _check_links(entry, items[entry.id], entries, references)
    acyclic({entry.id: entry.parent for entry in entries.values()}, items, "category")
    surfaces = _surfaces(entries, items)
    return KnowledgeBase(
        version=version + version_suffix,
        entries=entries,
        attributes=attributes,
        vocabulary=vocabulary,
        crosswalks=_crosswalks(merged["crosswalks"], entries),
        unmapped=_unmapped(merged["unmapped"], merged["crosswalks"]),
        references=references,
        surfaces=surfaces,
        ambiguous=_ambiguous(entries, items, surfaces),
        excluded=_excluded(entries, items, surfaces),
    )


def _attributes(items: Items) -> tuple[Attribute, ...]:
    """``kind: {value: text}`` → attributes, in the file's order."""
    found: list[Attribute] = []
    for kind, item in items.items():
        known("attribute kind", kind, get_args(AttributeKind), item.origin(), "attributes")
        for value, text in item.values.items():
            if not isinstance(text, str) or not text.strip():
                raise KnowledgeFileError(
                    f"{item.origin(value)}: attributes.{kind}.{value} must be a text, not {text!r}"
                )
            raw = {"id": f"{kind}:{value}", "kind": kind, "text": text}
            found.append(Attribute.model_validate(raw))
    return tuple(found)


def _codes(
    items: Items, entries: Collection[str], references: Collection[str]
) -> dict[str, tuple[Code, ...]]:
    """``category: [code, ...]`` → codes, each with a source that is listed."""
    found: dict[str, tuple[Code, ...]] = {}
    for name, item in items.items():
        where = f"codes.{name}"
        known("category", name, entries, item.origin(), "codes")
        written = item.values["words"]
        if not isinstance(written, list):
            raise KnowledgeFileError(f"{item.origin()}: {where} must be a list, not {written!r}")
        rows = cast("list[object]", written)
        found[name] = tuple(
            build(Code, as_mapping(row, item.origin(), where), item, where) for row in rows
        )
        for code in found[name]:
            known("reference", code.source, references, item.origin(), where)
    return found


def _check_entry(
    entry: Entry, item: Item, attributes: Collection[str], vocabulary: Vocabulary
) -> None:
    """Every reference to a closed vocabulary holds, and every text is there."""
    where = f"entries.{entry.id}"
    sides = get_args(Side)
    sided = (f"{side} {region}" for region in vocabulary.regions for side in sides)
    if not _ID.fullmatch(entry.id):
        raise KnowledgeFileError(
            f"{item.origin()}: category id {entry.id!r} must be snake_case (a_b)"
        )
    terms: Iterable[tuple[str, str, Iterable[str], Collection[str]]] = (
        ("attributes", "attribute", entry.attributes, attributes),
        ("severities", "severity", entry.severities, vocabulary.severities),
        ("regions", "region", entry.regions, vocabulary.regions),
        ("by_severity", "severity", entry.by_severity, entry.severities),
        ("by_place", "place", entry.by_place, (*vocabulary.regions, *sides, *sided)),
    )
    for field, what, values, allowed in terms:
        for value in values:
            known(what, value, allowed, item.origin(field, value), f"{where}.{field}")
    written: Mapping[str, Iterable[str]] = {
        "name": (entry.name,),
        "explanation": (entry.explanation,),
        "attributes": entry.attributes or ("",),
        "look_alikes": entry.look_alikes.values(),
    }
    for field, values in written.items():
        if not all(value.strip() for value in values):
            raise KnowledgeFileError(f"{item.origin(field)}: {where}.{field} is empty")
    for field, subclasses in (("by_severity", entry.by_severity), ("by_place", entry.by_place)):
        for key, subclass in subclasses.items():
            _check_subclass(subclass, entry, item, (field, key), attributes)


def _check_subclass(
    subclass: Subclass, entry: Entry, item: Item, path: tuple[str, str], attributes: Collection[str]
) -> None:
    """A subclass has a text, shows what exists, and lacks what its category shows."""
    where = ".".join(("entries", entry.id, *path))
    if not subclass.explanation.strip():
        raise KnowledgeFileError(f"{item.origin(*path)}: {where}.explanation is empty")
    for field, values, allowed in (
        ("shows", subclass.shows, attributes),
        ("lacks", subclass.lacks, entry.attributes),
    ):
        for value in values:
            known("attribute", value, allowed, item.origin(*path, field, value), f"{where}.{field}")


def _check_links(
    entry: Entry, item: Item, entries: Collection[str], references: Collection[str]
) -> None:
    """Look-alikes and references exist, and nothing looks like itself."""
    where = f"entries.{entry.id}"
    others = [name for name in entries if name != entry.id]
    for name in entry.look_alikes:
        spot = item.origin("look_alikes", name)
        known("category", name, others, spot, f"{where}.look_alikes")
    for name in entry.references:
        spot = item.origin("references", name)
        known("reference", name, references, spot, f"{where}.references")


def _surfaces(entries: Mapping[str, Entry], items: Items) -> dict[str, str]:
    """Every id, name and alias once."""
    table = SurfaceTable[str]("category")
    for entry in entries.values():
        item = items[entry.id]
        for surface in (entry.id, entry.name):
            table.add(surface, entry.id, owner=entry.id, spot=item.origin("name"))
        for surface in entry.aliases:
            table.add(surface, entry.id, owner=entry.id, spot=item.origin("aliases", surface))
    return table.values


def _ambiguous(
    entries: Mapping[str, Entry], items: Items, surfaces: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Form → the category that owns it, then those that declare it."""
    found: dict[str, tuple[str, ...]] = {}
    overlaid = any(source.overlay for item in items.values() for source in item.origins.values())
    for entry in entries.values():
        for phrase in entry.ambiguous:
            key = normalise(phrase)
            owner = surfaces.get(key)
            if owner is None or owner == entry.id:
                if overlaid and not items[entry.id].origins["ambiguous"].overlay:
                    continue  # an overlay has moved or dropped the alias
                spot = items[entry.id].origin("ambiguous", phrase)
                raise KnowledgeFileError(
                    f"{spot}: entries.{entry.id}.ambiguous: {phrase!r} must be an alias of "
                    f"another category, not {'of this one' if owner else 'of none'}"
                )
            found[key] = (*found.get(key, (owner,)), entry.id)
    return found


def _excluded(
    entries: Mapping[str, Entry], items: Items, surfaces: Mapping[str, str]
) -> frozenset[str]:
    found: set[str] = set()
    for entry in entries.values():
        for phrase in entry.excludes:
            key = normalise(phrase)
            if key in surfaces:
                spot = items[entry.id].origin("excludes", phrase)
                raise KnowledgeFileError(
                    f"{spot}: entries.{entry.id}.excludes: {phrase!r} is an alias of "
                    f"{surfaces[key]!r}; remove it from one of them"
                )
            found.add(key)
    return frozenset(found)


def _crosswalks(items: Items, entries: Mapping[str, Entry]) -> dict[str, dict[str, str]]:
    crosswalks = {
        dataset: {label: str(category) for label, category in item.values.items()}
        for dataset, item in items.items()
    }
    for dataset, classes in crosswalks.items():
        for label, category in classes.items():
            spot = items[dataset].origin(label)
            known("category", category, entries, spot, f"crosswalks.{dataset}.{label}")
    return crosswalks


def _unmapped(items: Items, crosswalks: Items) -> dict[str, dict[str, str]]:
    """Labels without a category: of a data set that exists, and not mapped as well."""
    for dataset, item in items.items():
        known("data set", dataset, crosswalks, item.origin(), "unmapped")
        for label in item.values:
            if label in crosswalks[dataset].values:
                raise KnowledgeFileError(
                    f"{item.origin(label)}: unmapped.{dataset}: {label!r} has a category in "
                    f"{crosswalks[dataset].origin(label)}; remove it from one of them"
                )
    return {
        dataset: {label: str(reason) for label, reason in item.values.items()}
        for dataset, item in items.items()
    }
