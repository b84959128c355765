"""The dictionary as one self-contained page, to be browsed offline. Pure."""

from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from importlib import resources
from string import Template

from iki_knowledge.infer import neighbours
from iki_knowledge.knowledge import KnowledgeBase
from iki_knowledge.schema import Attribute, Entry, Subclass

# Where a reader may look a code up; UMLS asks for a licence, so its codes are not linked.
_LOOK_UP = {
    "radlex": ("RadLex", "https://radlex.org/RID/{}"),
    "snomedct": ("SNOMED CT", "https://snomed.info/id/{}"),
    "umls": ("UMLS", ""),
}
# The groups that one looks for first; the others follow in the dictionary's order.
_FIRST = ("lungs", "pleura", "heart", "vessels", "mediastinum")
_KINDS = {
    "density": "Density", "shape": "Shape", "margin": "Margin", "texture": "Texture",
    "distribution": "Distribution", "location": "Location", "associated_sign": "Signs",
}  # fmt: skip


def to_html(kb: KnowledgeBase) -> str:
    """The page: every category with its attributes, subclasses, look-alikes, codes and sources.

    It needs no network and no server: search, filters and links work inside the one file.

    Args:
        kb: The dictionary.

    Returns:
        HTML.
    """
    found: dict[str, list[Entry]] = {name: [] for name in _FIRST}
    for entry in kb.entries.values():
        found.setdefault(entry.group, []).append(entry)
    groups = {name: entries for name, entries in found.items() if entries}
    subclasses = sum(len(e.by_severity) + len(e.by_place) for e in kb.entries.values())
    return Template(_template()).substitute(
        version=escape(kb.version),
        counts=(
            f"{len(kb)} categories · {subclasses} subclasses · {len(kb.attributes)} visual "
            f"attributes · {len(kb.surfaces)} surface forms"
        ),
        groups="".join(f"<option>{escape(name)}</option>" for name in groups),
        datasets="".join(f"<option>{escape(name)}</option>" for name in sorted(kb.crosswalks)),
        index="".join(_index(name, entries) for name, entries in groups.items()),
        body="".join(_group(name, entries, kb) for name, entries in groups.items()),
        references="".join(_reference(kb, name) for name in kb.references),
    )


@cache
def _template() -> str:
    return (resources.files("iki_knowledge") / "page.html").read_text("utf-8")


def _index(group: str, entries: Iterable[Entry]) -> str:
    links = "".join(f'<li><a href="#{e.id}">{escape(e.name)}</a></li>' for e in entries)
    return f"<details><summary>{escape(group)}</summary><ul>{links}</ul></details>"


def _group(name: str, entries: Iterable[Entry], kb: KnowledgeBase) -> str:
    articles = "".join(_article(entry, kb) for entry in entries)
    return f'<section data-group="{escape(name)}"><h2>{escape(name)}</h2>{articles}</section>'


def _article(entry: Entry, kb: KnowledgeBase) -> str:
    attributes = {attribute.id: attribute for attribute in kb.attributes}
    labels = {
        dataset: [label for label, category in classes.items() if category == entry.id]
        for dataset, classes in kb.crosswalks.items()
    }
    searched = " ".join((entry.id, entry.name, *entry.aliases, entry.explanation)).lower()
    return (
        f'<article id="{entry.id}" data-text="{escape(searched)}" '
        f'data-shows="{" ".join(entry.attributes)}" '
        f'data-sets="{" ".join(name for name, found in labels.items() if found)}">'
        f"<h3>{escape(entry.name)} <code>{entry.id}</code></h3>"
        f"{_family(entry, kb)}<p class=explained>{escape(entry.explanation)}</p>"
        f"{_chips(entry.attributes, attributes)}{_subclasses(entry, attributes)}"
        f"{_look_alikes(entry, kb)}{_details(entry, kb, labels)}</article>"
    )


def _link(kb: KnowledgeBase, category: str) -> str:
    return f'<a href="#{category}">{escape(kb[category].name)}</a>'


def _family(entry: Entry, kb: KnowledgeBase) -> str:
    children = [name for name in kb if kb[name].parent == entry.id]
    said: list[str] = []
    if entry.parent is not None:
        said.append(f"a kind of {_link(kb, entry.parent)}")
    if children:
        said.append(f"kinds: {', '.join(_link(kb, name) for name in children)}")
    if entry.vague:
        said.append("names no picture of its own")
    return f"<p class=family>{'; '.join(said)}</p>" if said else ""


def _chips(names: Iterable[str], attributes: Mapping[str, Attribute]) -> str:
    """The attributes by kind; pressing one shows the categories that share it."""
    rows: dict[str, list[str]] = {}
    for name in names:
        attribute = attributes[name]
        button = f'<button type=button data-attribute="{name}">{escape(attribute.text)}</button>'
        rows.setdefault(attribute.kind, []).append(button)
    lines = (
        f"<dt>{label}</dt><dd>{''.join(rows[kind])}</dd>"
        for kind, label in _KINDS.items()
        if kind in rows
    )
    return f"<dl class=chips>{''.join(lines)}</dl>"


def _subclasses(entry: Entry, attributes: Mapping[str, Attribute]) -> str:
    found = {**entry.by_severity, **entry.by_place}
    if not found:
        return ""
    rows = "".join(_subclass(key, subclass, attributes) for key, subclass in found.items())
    return f"<h4>Subclasses</h4><table>{rows}</table>"


def _subclass(key: str, subclass: Subclass, attributes: Mapping[str, Attribute]) -> str:
    marks = [f"<ins>{escape(attributes[name].text)}</ins>" for name in subclass.shows]
    marks += [f"<del>{escape(attributes[name].text)}</del>" for name in subclass.lacks]
    changed = f"<p class=changed>{' '.join(marks)}</p>" if marks else ""
    name = escape(key.replace("_", " "))
    return f"<tr><th>{name}</th><td>{escape(subclass.explanation)}{changed}</td></tr>"


def _look_alikes(entry: Entry, kb: KnowledgeBase) -> str:
    """Look-alikes written in either entry, and beside them what the attributes tell apart."""
    told = dict(entry.look_alikes)
    for name in kb:
        if entry.id in kb[name].look_alikes:
            told.setdefault(name, kb[name].look_alikes[entry.id])
    if not told:
        return ""
    rows = "".join(
        f"<tr><th>{_link(kb, name)}</th><td>{escape(text)}</td></tr>" for name, text in told.items()
    )
    near = ", ".join(_link(kb, item.category) for item in neighbours(entry.id, kb.entries)[:3])
    return (
        f"<h4>Look-alikes</h4><table>{rows}</table><p class=near>Nearest by attributes: {near}</p>"
    )


def _details(entry: Entry, kb: KnowledgeBase, labels: Mapping[str, list[str]]) -> str:
    codes = "; ".join(
        _code(code.system, code.code, code.display, code.match) for code in entry.codes
    )
    sets = "; ".join(
        f"{escape(dataset)}: {escape(', '.join(found))}"
        for dataset, found in labels.items()
        if found
    )
    rows = {
        "Also called": escape(", ".join(entry.aliases)),
        "May also be meant by": escape(", ".join(entry.ambiguous)),
        "Not meant by": escape(", ".join(entry.excludes)),
        "Severities": escape(", ".join(entry.severities)),
        "Typical places": escape(", ".join(kb.vocabulary.regions[r].name for r in entry.regions)),
        "Classes of data sets": sets,
        "Codes": codes,
        "Checked against": ", ".join(
            f'<a href="#ref-{name}">{escape(name)}</a>' for name in entry.references
        ),
    }
    lines = "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in rows.items() if value)
    return f"<details><summary>Names, classes, codes, sources</summary><dl>{lines}</dl></details>"


def _code(system: str, code: str, display: str, match: str) -> str:
    label, address = _LOOK_UP[system]
    shown = f'<a href="{address.format(code)}">{code}</a>' if address else code
    return f"{label} {shown} {escape(display)} <small>({match})</small>"


def _reference(kb: KnowledgeBase, name: str) -> str:
    item = kb.references[name]
    address = f"https://doi.org/{item.doi}" if item.doi else item.url
    title = escape(item.title)
    linked = f'<a href="{escape(address)}">{title}</a>' if address else title
    return (
        f'<li id="ref-{name}"><b>{escape(name)}</b> {escape(item.authors)}. {linked}. '
        f"{escape(item.published)}, {item.year}.</li>"
    )
