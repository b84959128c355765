"""The dictionary as HTML: a list to search, an entry, two entries side by side. Pure."""

from collections.abc import Iterable
from html import escape

from iki_knowledge import KnowledgeBase
from iki_knowledge.schema import Entry

from medfilip_app.page.words import category_name, region_name, spaced

# Look-alikes by attributes, beside those that are written in the dictionary.
_NEAR = 3


def index(kb: KnowledgeBase) -> str:
    """All categories by group, with a field that narrows them."""
    groups: dict[str, list[Entry]] = {}
    for entry in kb.entries.values():
        groups.setdefault(entry.group, []).append(entry)
    lists = "".join(
        f'<div data-group="{escape(name)}"><h4>{escape(name)}</h4>'
        f'<ul class="mf-index">{"".join(map(_item, entries))}</ul></div>'
        for name, entries in groups.items()
    )
    return (
        '<label class="mf-field"><span>Search names, aliases and definitions</span>'
        '<input type="search" class="mf-search" autocomplete="off"></label>'
        f'<p class="mf-note mf-found" role="status">{len(kb)} found</p>'
        f'<div class="mf-scroll" tabindex="0" role="region" aria-label="Categories">{lists}</div>'
    )


def _item(entry: Entry) -> str:
    searched = " ".join((entry.id, entry.name, *entry.aliases, entry.explanation)).lower()
    return (
        f'<li data-text="{escape(searched)}"><button type="button" class="mf-link" '
        f'data-pick="{entry.id}" aria-pressed="false">{escape(entry.name)}</button></li>'
    )


def entry_card(kb: KnowledgeBase, category: str) -> str:
    """One category: what it is, what it shows, its subclasses and look-alikes."""
    entry = kb[category]
    facts = {
        "Also called": escape(", ".join(entry.aliases)),
        "A kind of": ", ".join(category_name(kb, name) for name in kb.ancestors(category)),
        "Severities": escape(", ".join(entry.severities)),
        "Typical places": ", ".join(region_name(kb, name) for name in entry.regions),
    }
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items() if value)
    return (
        f'<section class="mf-card"><h3>{escape(entry.name)}</h3><p>{escape(entry.explanation)}</p>'
        f"<h4>Visual attributes</h4>{_chips(kb, entry.attributes)}"
        f'<dl class="mf-facts">{rows}</dl>{_subclasses(entry)}</section>'
    )


def _subclasses(entry: Entry) -> str:
    found = {**entry.by_severity, **entry.by_place}
    rows = "".join(
        f'<tr><th scope="row">{spaced(key)}</th><td>{escape(one.explanation)}</td></tr>'
        for key, one in found.items()
    )
    return f'<h4>Severities and places</h4><table class="mf-table">{rows}</table>' if rows else ""


def look_alikes(kb: KnowledgeBase, category: str) -> dict[str, str]:
    """What is taken for a category -> what tells the two apart; empty where nobody wrote it.

    Those that either entry names, then the nearest by attributes.
    """
    entry = kb[category]
    told = dict(entry.look_alikes)
    for name in kb:
        if category in kb[name].look_alikes:
            told.setdefault(name, kb[name].look_alikes[category])
    for near in kb.nearest(category, _NEAR):
        told.setdefault(near.category, "")
    return told


def look_alike_buttons(kb: KnowledgeBase, category: str, chosen: str | None) -> str:
    """The look-alikes of a category, to be compared with it."""
    buttons = "".join(
        f'<li><button type="button" class="mf-chip" data-pick="{escape(name)}" '
        f'aria-pressed="{str(name == chosen).lower()}">{category_name(kb, name)}</button></li>'
        for name in look_alikes(kb, category)
    )
    return (
        f"<h3>Compare {category_name(kb, category)} with a look-alike</h3>"
        f'<ul class="mf-chips">{buttons}</ul>'
    )


def compared(kb: KnowledgeBase, one: str, other: str) -> str:
    """Two categories side by side: what both show, and what only one of them shows."""
    mine, theirs = kb[one].attributes, kb[other].attributes
    shared = tuple(name for name in mine if name in theirs)
    told = look_alikes(kb, one).get(other, "")
    apart = f"<p>{escape(told)}</p>" if told else ""
    columns = "".join(
        f"<div><h4>only {category_name(kb, name)}</h4>{_chips(kb, rest)}</div>"
        for name, rest in (
            (one, tuple(a for a in mine if a not in shared)),
            (other, tuple(a for a in theirs if a not in shared)),
        )
    )
    return (
        f'<section class="mf-card">{apart}<h4>both</h4>{_chips(kb, shared)}'
        f'<div class="mf-two">{columns}</div></section>'
    )


def _chips(kb: KnowledgeBase, names: Iterable[str]) -> str:
    texts = {attribute.id: attribute.text for attribute in kb.attributes}
    chips = "".join(f"<li>{escape(texts[name])}</li>" for name in names)
    return f'<ul class="mf-chips">{chips or "<li>nothing</li>"}</ul>'
