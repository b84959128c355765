"""The dictionary as JSON and CSV, and what changed between two exported ones. Pure."""

import csv
import io
from collections.abc import Mapping
from typing import cast

from iki_knowledge.knowledge import KnowledgeBase
from iki_knowledge.schema import Frozen

_COLUMNS: tuple[str, ...] = (
    "id", "name", "group", "parent", "explanation", "aliases", "excludes", "ambiguous",
    "attributes", "severities", "regions", "subclasses", "look_alikes", "codes", "references",
)  # fmt: skip


class Changes(Frozen):
    """What changed from one exported dictionary to another.

    Attributes:
        old_version: Version of the first.
        new_version: Version of the second.
        added: Categories that only the second has.
        removed: Categories that only the first has.
        changed: Category -> the fields that differ.
    """

    old_version: str
    new_version: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]


def to_json(kb: KnowledgeBase) -> dict[str, object]:
    """Everything in the dictionary as plain data, ready for `json.dumps`.

    Args:
        kb: The dictionary.

    Returns:
        ``version``, ``entries`` (id -> fields), ``attributes``, ``vocabulary``, ``crosswalks``,
        ``unmapped`` and ``references``.
    """
    return {
        "version": kb.version,
        "entries": {name: entry.model_dump(mode="json") for name, entry in kb.entries.items()},
        "attributes": [attribute.model_dump(mode="json") for attribute in kb.attributes],
        "vocabulary": kb.vocabulary.model_dump(mode="json"),
        "crosswalks": {name: dict(classes) for name, classes in kb.crosswalks.items()},
        "unmapped": {name: dict(labels) for name, labels in kb.unmapped.items()},
        "references": {name: item.model_dump(mode="json") for name, item in kb.references.items()},
    }


def to_csv(kb: KnowledgeBase) -> str:
    """One line a category; several values in a cell are separated by ``|``.

    Args:
        kb: The dictionary.

    Returns:
        CSV with a header line. A subclass is written ``severity or place: explanation``, a code
        ``system:code (match)``.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for entry in kb.entries.values():
        subclasses = {**entry.by_severity, **entry.by_place}
        cells: dict[str, str | None] = {
            name: "|".join(value) if isinstance(value, tuple) else value
            for name, value in (
                (name, cast("str | tuple[str, ...] | None", getattr(entry, name)))
                for name in _COLUMNS
                if name not in ("subclasses", "look_alikes", "codes")
            )
        }
        cells["subclasses"] = "|".join(f"{k}: {sub.explanation}" for k, sub in subclasses.items())
        cells["look_alikes"] = "|".join(f"{k}: {text}" for k, text in entry.look_alikes.items())
        cells["codes"] = "|".join(f"{c.system}:{c.code} ({c.match})" for c in entry.codes)
        writer.writerow(cells)
    return stream.getvalue()


def changes(old: Mapping[str, object], new: Mapping[str, object]) -> Changes:
    """Compare the categories of two exported dictionaries.

    Args:
        old: As `to_json` returns it.
        new: The same, later.

    Returns:
        The categories added, removed and changed.

    Raises:
        KeyError: When one of the two is no exported dictionary.
        TypeError: The same.
    """
    before = cast("Mapping[str, Mapping[str, object]]", old["entries"])
    after = cast("Mapping[str, Mapping[str, object]]", new["entries"])
    differing = {
        name: tuple(
            field
            for field in {**before[name], **after[name]}
            if before[name].get(field) != after[name].get(field)
        )
        for name in after
        if name in before and before[name] != after[name]
    }
    return Changes(
        old_version=str(old["version"]),
        new_version=str(new["version"]),
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=differing,
    )
