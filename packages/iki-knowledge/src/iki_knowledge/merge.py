"""Dictionary files → one merged set of sections, each value with the file that it came from. Pure.

A file (packaged or overlay) is a mapping with any of the sections below. Packaged files may not
define the same name twice; an overlay may, and then its fields win.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from iki_knowledge.errors import KnowledgeFileError, unknown
from iki_knowledge.schema import Entry, Region, Severity

NAMED_SECTIONS = (
    "entries",
    "attributes",
    "severities",
    "regions",
    "sides",
    "places",
    "trends",
    "crosswalks",
)
SECTIONS = ("group", *NAMED_SECTIONS)
# The fields a file may write for each name; None: any keys (words, labels) are allowed.
_FIELDS: Mapping[str, frozenset[str] | None] = {
    "entries": frozenset(Entry.model_fields) - {"id", "group"} | {"add_aliases"},
    "attributes": None,
    "severities": frozenset(Severity.model_fields) - {"id"},
    "regions": frozenset(Region.model_fields) - {"id"},
    "places": frozenset({"side", "region", "words"}),
    "crosswalks": None,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One file as parsed: its name for messages, its content, and whether it is an overlay."""

    name: str
    data: object
    overlay: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """The merged fields of one name, and for each the file that set it."""

    values: dict[str, object] = field(default_factory=dict[str, object])
    origins: dict[str, str] = field(default_factory=dict[str, str])

    def origin(self, name: str) -> str:
        """The file that set a field, else the file that introduced the item."""
        return self.origins.get(name) or next(iter(self.origins.values()), "?")


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
        document = as_mapping(source.data, source.name, "the file")
        # The version is that of the packaged data: an overlay is known by its content hash.
        allowed = SECTIONS if source.overlay else ("version", *SECTIONS)
        for key in document:
            if key not in allowed:
                raise KnowledgeFileError(f"{source.name}: {unknown('section', key, allowed)}")
        version = str(document.get("version", version))
        for section in NAMED_SECTIONS:
            written = document.get(section)
            content = as_mapping({} if written is None else written, source.name, section)
            for name, value in content.items():
                where = f"{section}.{name}"
                fields = as_mapping(_fields_of(section, value), source.name, where)
                _check_fields(section, fields, source.name, where)
                if section == "entries" and name not in merged[section]:
                    fields = {"group": document.get("group", "other"), **fields}
                _add(merged[section], name, fields, source)
    return version, merged


def as_mapping(value: object, file: str, where: str) -> dict[str, object]:
    """`value` as a mapping with text keys.

    Raises:
        KnowledgeFileError: When it is no mapping, or has a key that is no text.
    """
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise KnowledgeFileError(f"{file}: {where} must be a mapping, not {kind} {value!r}")
    content = cast("Mapping[object, object]", value)
    for key in content:
        if not isinstance(key, str):
            # YAML reads a bare `no` or `on` as a truth value.
            raise KnowledgeFileError(f"{file}: {where}: key {key!r} must be text; put it in quotes")
    return {str(key): item for key, item in content.items()}


def _fields_of(section: str, value: object) -> object:
    """Sections whose values are lists keep them under one field, ``words``."""
    if section in ("sides", "trends") or (section == "places" and isinstance(value, list)):
        return {"words": value}
    return value


def _check_fields(section: str, fields: Mapping[str, object], file: str, where: str) -> None:
    allowed = _FIELDS.get(section)
    if allowed is None:
        return
    for key in fields:
        if key not in allowed:
            raise KnowledgeFileError(f"{file}: {where}: {unknown('key', key, allowed)}")


def _add(items: dict[str, Item], name: str, fields: dict[str, object], source: Source) -> None:
    """Put one file's fields of one name on top of what is there."""
    if name in items and not source.overlay:
        first = next(iter(items[name].origins.values()))
        raise KnowledgeFileError(f"{source.name}: {name!r} is already defined in {first}")
    known = items.setdefault(name, Item())
    more = fields.pop("add_aliases", None)
    if more is not None:
        aliases = fields.get("aliases", known.values.get("aliases", []))
        if not isinstance(more, list) or not isinstance(aliases, list):
            raise KnowledgeFileError(f"{source.name}: {name}: aliases must be lists, not {more!r}")
        fields["aliases"] = [*cast("list[object]", aliases), *cast("list[object]", more)]
    known.values.update(fields)
    known.origins.update(dict.fromkeys(fields, source.name))
