"""What the dictionary holds, counted: a table for its README and for one's own overlays. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from iki_knowledge.knowledge import KnowledgeBase
from iki_knowledge.schema import CodeSystem, Match


def coverage(kb: KnowledgeBase) -> str:
    """Three Markdown tables: the content, the codes, and the classes of each data set.

    Args:
        kb: The dictionary.

    Returns:
        Markdown.
    """
    return "\n\n".join((_content(kb), _codes(kb), _classes(kb)))


def _content(kb: KnowledgeBase) -> str:
    entries = kb.entries.values()
    vague = sum(entry.vague for entry in entries)
    rows = [
        ("categories", f"{len(kb)}, {vague} of them vague words of published lists"),
        (
            "surface forms (ids, names, aliases)",
            f"{len(kb.surfaces)}, {len(kb.ambiguous)} ambiguous",
        ),
        ("forms that contain an alias and mean something else", f"{len(kb.excluded)}"),
        ("visual attributes", f"{len(kb.attributes)} in 7 kinds"),
        ("subclass explanations by severity", f"{sum(len(e.by_severity) for e in entries)}"),
        ("subclass explanations by place", f"{sum(len(e.by_place) for e in entries)}"),
        ("look-alikes told apart", f"{sum(len(e.look_alikes) for e in entries)}"),
        ("references", f"{len(kb.references)}"),
    ]
    return _table(("", ""), rows)


def _codes(kb: KnowledgeBase) -> str:
    """Codes by system and source, with how well they match."""
    found: dict[tuple[str, str], Counter[str]] = {}
    categories: dict[tuple[str, str], set[str]] = {}
    for entry in kb.entries.values():
        for code in entry.codes:
            key = (code.system, code.source)
            found.setdefault(key, Counter())[code.match] += 1
            categories.setdefault(key, set()).add(entry.id)
    matches = get_args(Match)
    order = get_args(CodeSystem)
    rows = [
        (
            system, source, str(counts.total()), str(len(categories[system, source])),
            *(str(counts[match]) for match in matches),
        )
        for (system, source), counts in sorted(
            found.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
        )
    ]  # fmt: skip
    return _table(("system", "source", "codes", "categories", *matches), rows)


def _classes(kb: KnowledgeBase) -> str:
    rows = [
        (
            f"`{dataset}`",
            str(len(classes) + len(kb.unmapped.get(dataset, {}))),
            str(len(classes)),
            str(len(set(classes.values()))),
        )
        for dataset, classes in sorted(kb.crosswalks.items())
    ]
    return _table(("data set", "labels", "with a category", "categories"), rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = "|".join("---" for _ in header)
    lines = [" | ".join(cells) for cells in (header, *rows)]
    return "\n".join((f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])))
