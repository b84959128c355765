"""Dictionary files → one merged set of sections, each value with the file that it came from. Pure.

A file (packaged or overlay) is a mapping with any of the sections below. Packaged files may not
define the same name twice; an overlay may, and then its fields win.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from iki_knowledge.errors import KnowledgeFileError, unknown
from iki_knowledge.schema import Entry, Reference, Region, Severity
from iki_knowledge.spot import Source, Spot

NAMED_SECTIONS = (
    "entries",
    "attributes",
    "severities",
    "trends",
    "hedges",
    "chronicities",
    "sides",
    "regions",
    "places",
    "crosswalks",
    "unmapped",
    "codes",
    "references",
)
SECTIONS = ("group", *NAMED_SECTIONS)
# Sections whose values are lists; they are kept under one field, ``words``.
_LISTS = frozenset({"sides", "trends", "hedges", "chronicities", "codes"})
# The fields a file may write for each name; None: any keys (words, labels) are allowed.
_FIELDS: Mapping[str, frozenset[str] | None] = {
    "entries": frozenset(Entry.model_fields) - {"id", "group", "codes"} | {"add_aliases"},
    "attributes": None,
    "severities": frozenset(Severity.model_fields) - {"id"},
    "regions": frozenset(Region.model_fields) - {"id"},
    "places": frozenset({"side", "region", "words"}),
    "references": frozenset(Reference.model_fields) - {"id"},
}


@dataclass(frozen=True, slots=True)
class Item:
    """The merged fields of one name, and for each the file that set it."""

    section: str = ""
    name: str = ""
    values: dict[str, object] = field(default_factory=dict[str, object])
    origins: dict[str, Source] = field(default_factory=dict[str, Source])

    def origin(self, *path: str) -> Spot:
        """Where a field, or a part of it, is written; else where the item was introduced.

        Args:
            *path: The field, then keys or items inside it.
        """
        source = self.origins.get(path[0]) if path else None
        if source is None:
            source = next(iter(self.origins.values()), Source("?", None))
        return Spot(source, (self.section, self.name, *path))


Merged = dict[str, dict[str, Item]]


def merge(sources: Sequence[Source]) -> tuple[str, Merged]:
    """Merge files in order.

    Args:
        sources: Packaged files first, then overlays; a later overlay wins over an earlier one.

    Returns:
        The version, and section → name → item.

    Raises:
        KnowledgeFileError: For a section or field that does not exist, a value of the wrong shape,
            or a name that two packaged files define.
    """
    version = ""
    merged: Merged = {section: {} for section in NAMED_SECTIONS}
    for source in sources:
        document = as_mapping(source.data, Spot(source), "the file")
        # The version is that of the packaged data: an overlay is known by its content hash.
        allowed = SECTIONS if source.overlay else ("version", *SECTIONS)
        for key in document:
            if key not in allowed:
                spot = Spot(source, (key,))
                raise KnowledgeFileError(f"{spot}: {unknown('section', key, allowed)}")
        version = str(document.get("version", version))
        for section in NAMED_SECTIONS:
            written = document.get(section)
            spot = Spot(source, (section,))
            content = as_mapping({} if written is None else written, spot, section)
            for name, value in content.items():
                spot = Spot(source, (section, name))
                where = f"{section}.{name}"
                fields = as_mapping(_fields_of(section, value), spot, where)
                _check_fields(section, fields, spot, where)
                if section == "entries" and name not in merged[section]:
                    fields = {"group": document.get("group", "other"), **fields}
                _add(merged[section], section, name, fields, source)
    return version, merged


def as_mapping(value: object, spot: Spot, where: str) -> dict[str, object]:
    """`value` as a mapping with text keys.

    Raises:
        KnowledgeFileError: When it is no mapping, or has a key that is no text.
    """
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise KnowledgeFileError(f"{spot}: {where} must be a mapping, not {kind} {value!r}")
    content = cast("Mapping[object, object]", value)
    for key in content:
        if not isinstance(key, str):
            # YAML reads a bare `no` or `on` as a truth value.
            raise KnowledgeFileError(f"{spot}: {where}: key {key!r} must be text; put it in quotes")
    return {str(key): item for key, item in content.items()}


def _fields_of(section: str, value: object) -> object:
    if section in _LISTS or (section == "places" and isinstance(value, list)):
        return {"words": value}
    return value


def _check_fields(section: str, fields: Mapping[str, object], spot: Spot, where: str) -> None:
    allowed = _FIELDS.get(section)
    if allowed is None:
        return
    for key in fields:
        if key not in allowed:
            here = Spot(spot.source, (*spot.path, key))
            raise KnowledgeFileError(f"{here}: {where}: {unknown('key', key, allowed)}")


def _add(
    items: dict[str, Item], section: str, name: str, fields: dict[str, object], source: Source
) -> None:
    """Put one file's fields of one name on top of what is there."""
    if name in items and not source.overlay:
        here = Spot(source, (section, name))
        raise KnowledgeFileError(f"{here}: {name!r} is already defined in {items[name].origin()}")
    known = items.setdefault(name, Item(section, name))
    more = fields.pop("add_aliases", None)
    if more is not None:
        aliases = fields.get("aliases", known.values.get("aliases", []))
        if not isinstance(more, list) or not isinstance(aliases, list):
            here = Spot(source, (section, name, "aliases"))
            raise KnowledgeFileError(f"{here}: {name}: aliases must be lists, not {more!r}")
        fields["aliases"] = [*cast("list[object]", aliases), *cast("list[object]", more)]
    known.values.update(fields)
    known.origins.update(dict.fromkeys(fields, source))
