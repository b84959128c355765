"""From visual attributes to categories and their subclasses. Pure.

MedFILIP's attribute view: an image has a binary vector of attributes, a model scores each one, and
the disease follows from which categories show them. The model of a misreading is the plainest: each
attribute is read wrongly with the same probability, whatever the category.
"""

import math
from collections.abc import Iterable, Mapping, Set

from iki_knowledge.schema import Entry, Frozen

# Share of attributes that a reader is taken to get wrong.
NOISE = 0.1


class Neighbour(Frozen):
    """A category beside another one.

    Attributes:
        category: Its id.
        distance: How many attributes only one of the two shows (Hamming distance).
        shared: Attributes that both show.
        only_here: Attributes that only the category asked about shows.
        only_there: Attributes that only the neighbour shows.
    """

    category: str
    distance: int
    shared: tuple[str, ...]
    only_here: tuple[str, ...]
    only_there: tuple[str, ...]


class Inference(Frozen):
    """A category as read from attribute scores.

    Attributes:
        category: Its id.
        probability: Posterior probability among all categories, each as likely before.
        severity: The severity whose subclass fits better than the category as a whole, if one does.
        place: The region or side whose subclass does so.
        decided_by: Attributes that were seen and speak for it against its rivals, strongest first.
        missing: Attributes that it shows and that were not seen.
    """

    category: str
    probability: float
    severity: str | None
    place: str | None
    decided_by: tuple[str, ...]
    missing: tuple[str, ...]


def neighbours(category: str, entries: Mapping[str, Entry]) -> tuple[Neighbour, ...]:
    """All other categories, the nearest by attributes first; ties in the order of the ids.

    Args:
        category: Category id.
        entries: Categories by id.

    Returns:
        One neighbour for each other category.
    """
    mine = entries[category].attributes
    found: list[Neighbour] = []
    for other, entry in entries.items():
        if other == category:
            continue
        theirs = entry.attributes
        here = tuple(name for name in mine if name not in theirs)
        there = tuple(name for name in theirs if name not in mine)
        shared = tuple(name for name in mine if name in theirs)
        found.append(
            Neighbour(
                category=other,
                distance=len(here) + len(there),
                shared=shared,
                only_here=here,
                only_there=there,
            )
        )
    return tuple(sorted(found, key=lambda item: (item.distance, item.category)))


def infer(
    scores: Mapping[str, float], entries: Mapping[str, Entry], *, noise: float = NOISE
) -> tuple[Inference, ...]:
    """Rank the categories by how well their attributes fit the scores.

    With s in [0, 1] for each attribute and x in {0, 1} for a category, the log-likelihood differs
    between categories by ln((1 - noise) / noise) times the sum of (2 s - 1) over the attributes
    that the category shows. An attribute without a score counts as 1/2: it says nothing. A category
    is seen as a whole or as one of its subclasses, each as likely as the others.

    Args:
        scores: Attribute id -> probability that the image shows it.
        entries: Categories by id.
        noise: Probability that one attribute is misread, in (0, 1/2).

    Returns:
        Every category, the most probable first; ties in the order of the ids.
    """
    weight = math.log((1 - noise) / noise)
    fits = {
        name: [weight * _agreement(shown, scores) for shown in _pictures(entry)]
        for name, entry in entries.items()
    }
    best = max((max(values) for values in fits.values()), default=0.0)
    odds = {
        name: sum(math.exp(value - best) for value in values) / len(values)
        for name, values in fits.items()
    }
    total = sum(odds.values())
    order = sorted(entries, key=lambda name: (-odds[name], name))
    rivals = {name: next((rival for rival in order if rival != name), name) for name in order}
    return tuple(
        Inference(
            category=name,
            probability=odds[name] / total,
            severity=_subclass(entries[name], entries[name].by_severity, scores),
            place=_subclass(entries[name], entries[name].by_place, scores),
            decided_by=_decided_by(name, rivals[name], scores, entries),
            missing=tuple(a for a in entries[name].attributes if scores.get(a, 0.5) < 0.5),
        )
        for name in order
    )


def _pictures(entry: Entry) -> list[Iterable[str]]:
    """The attributes of a category as a whole, and of each of its subclasses."""
    keys = (*entry.by_severity, *entry.by_place)
    return [entry.attributes, *(subclass_attributes(entry, key) for key in keys)]


def subclass_attributes(entry: Entry, key: str) -> frozenset[str]:
    """The attributes of a subclass: those of its category, with what it shows, less what it lacks.

    Args:
        entry: The category.
        key: A severity of `by_severity`, or a region or side of `by_place`.
    """
    subclass = entry.by_severity.get(key) or entry.by_place[key]
    return frozenset(entry.attributes) - set(subclass.lacks) | set(subclass.shows)


def _agreement(attributes: Iterable[str], scores: Mapping[str, float]) -> float:
    return sum(2 * scores.get(name, 0.5) - 1 for name in attributes)


def _subclass(entry: Entry, keys: Iterable[str], scores: Mapping[str, float]) -> str | None:
    """The subclass that fits better than the category as a whole; the first of equals."""
    fits = {key: _agreement(subclass_attributes(entry, key), scores) for key in keys}
    best = max(fits, key=fits.__getitem__, default=None)
    return best if best and fits[best] > _agreement(entry.attributes, scores) else None


def _decided_by(
    name: str, rival: str, scores: Mapping[str, float], entries: Mapping[str, Entry]
) -> tuple[str, ...]:
    """The attributes seen, first those that its strongest rival lacks, then the rarer ones."""
    theirs: Set[str] = set(entries[rival].attributes)
    seen = [a for a in entries[name].attributes if scores.get(a, 0.5) > 0.5]
    owners = {a: sum(a in entry.attributes for entry in entries.values()) for a in seen}
    return tuple(sorted(seen, key=lambda a: (a in theirs, -scores[a], owners[a])))
