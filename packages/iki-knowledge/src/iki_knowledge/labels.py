"""A data set's own label → the finding that it names. Pure.

Most data sets have flat labels. The MeSH codes of Open-i are a heading with qualifiers, such as
``Airspace Disease/lung/base/left/severe``, and the heading alone is often not the finding
(``Lung/hypoinflation``): there a key of the crosswalk matches a code when the heading is the same
and the code has all its qualifiers, and the key with the most qualifiers wins.
"""

from collections.abc import Iterable, Mapping

from iki_knowledge.finding import Finding
from iki_knowledge.resolve import find_place, find_severity, normalise
from iki_knowledge.schema import Place, Vocabulary


def parts(label: str) -> tuple[str, tuple[str, ...]]:
    """The heading and the qualifiers of a label, normalised; a flat label has no qualifiers."""
    heading, *qualifiers = (normalise(part) for part in label.split("/"))
    return heading, tuple(qualifiers)


def best_keys(label: str, keys: Iterable[str]) -> list[str]:
    """The keys that match a label with the most qualifiers: one, unless the crosswalk is unclear.

    Args:
        label: A label as written in the data set.
        keys: The crosswalk's labels.

    Returns:
        The matching keys of the greatest length; empty when none matches.
    """
    heading, qualifiers = parts(label)
    matching: dict[str, int] = {}
    for key in keys:
        name, needed = parts(key)
        if name == heading and set(needed) <= set(qualifiers):
            matching[key] = len(needed)
    most = max(matching.values(), default=0)
    return [key for key, length in matching.items() if length == most]


def read_label(
    label: str, classes: Mapping[str, str | None], vocabulary: Vocabulary
) -> Finding | None:
    """The finding that a label names, with the severity and place that its qualifiers say.

    Args:
        label: A label as written in the data set.
        classes: The data set's labels -> category id; None for those that name no category, which
            take part in the matching.
        vocabulary: Reads the qualifiers.

    Returns:
        The finding, or None when the label names no category.
    """
    found = best_keys(label, classes)
    category = classes[found[0]] if found else None
    if category is None:
        return None
    _, qualifiers = parts(label)
    said = " ".join(qualifiers)
    place = find_place(said, vocabulary) or Place()
    return Finding(
        category=category,
        severity=find_severity(said, vocabulary),
        side=place.side,
        region=place.region,
    )
