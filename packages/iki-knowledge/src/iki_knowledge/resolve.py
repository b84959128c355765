"""Surface form → category, severity, side and region, trend. Pure functions.

Every table is keyed by normalised text, so that case, hyphens, spaces, plurals and British spelling
do not matter: ``normalise("Pleural-Effusions") == "pleural effusion"``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import lru_cache
from typing import TypeVar

from iki_knowledge.finding import Side, Trend
from iki_knowledge.schema import Place, Vocabulary

T = TypeVar("T")

# Most words in one surface form: the longest phrase that is looked for.
LONGEST = 8

_WORD = re.compile(r"[^\W_]+")
# What the plural rules below get wrong: Latin and Greek plurals, and British spellings.
_WORDS = {
    "apices": "apex",
    "bronchi": "bronchus",
    "bullae": "bulla",
    "emboli": "embolus",
    "granulomata": "granuloma",
    "haematoma": "hematoma",
    "haemorrhage": "hemorrhage",
    "goitre": "goiter",
    "haemopericardium": "hemopericardium",
    "haemothorax": "hemothorax",
    "hila": "hilum",
    "oedema": "edema",
    "oesophageal": "esophageal",
    "paraoesophageal": "paraesophageal",
    "pleurae": "pleura",
    "tavis": "tavi",
    "thrombi": "thrombus",
    "tumour": "tumor",
    "vertebrae": "vertebra",
}


@lru_cache(maxsize=65536)
def singular(word: str) -> str:
    """The singular, American form of one lower-case word.

    It need not be English ("ascites" becomes "ascite"): it is a key, the same for every variant.

    Args:
        word: One word, lower case, without punctuation.

    Returns:
        The key of the word; a fixed point of this function.
    """
    word = _WORDS.get(word, word)
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("ectases", "oses", "stases")):
        word = word[:-2] + "is"
    elif word.endswith("thoraces"):
        word = word[:-3] + "x"
    elif word.endswith(("ches", "shes", "sses", "xes")):
        word = word[:-2]
    else:
        word = word[:-1]
    return _WORDS.get(word, word)


def words(text: str) -> list[str]:
    """The normalised words of a text, in order."""
    return [singular(word) for word in _WORD.findall(text.lower())]


def normalise(text: str) -> str:
    """The key under which every table keeps a surface form.

    Lower case; hyphens, underscores and other punctuation are spaces; each word singular.
    Idempotent.

    Args:
        text: Any text, e.g. ``"Pneumothoraces"``.

    Returns:
        The key, e.g. ``"pneumothorax"``; empty when the text has no letter or digit.
    """
    return " ".join(words(text))


def matches(
    tokens: Sequence[str], table: Mapping[str, T], skip: Set[str] = frozenset()
) -> Iterator[tuple[int, int, T]]:
    """Every phrase of `tokens` that `table` knows; from the left, the longest at each place.

    Args:
        tokens: Normalised words.
        table: Normalised surface form → value.
        skip: Normalised surface forms that are passed over whole, so that "mass effect" hides
            its "mass".

    Yields:
        Start and end (exclusive) in tokens, and the value.
    """
    start = 0
    while start < len(tokens):
        for end in range(min(len(tokens), start + LONGEST), start, -1):
            phrase = " ".join(tokens[start:end])
            if phrase in skip:
                start = end
                break
            if phrase in table:
                yield start, end, table[phrase]
                start = end
                break
        else:
            start += 1


def find_category(
    text: str, surfaces: Mapping[str, str], excluded: Set[str] = frozenset()
) -> tuple[str, str] | None:
    """The category that a text names: the whole text, else its longest (then first) phrase.

    Negation is not read: that is the extractor's task.

    Args:
        text: A surface form, or a phrase that contains one.
        surfaces: Normalised surface form → category id.
        excluded: Normalised surface forms that mean no category.

    Returns:
        The category id, and the rest of the text, normalised, with the word "category" in place of
        the surface form, so that no new phrase arises; None when the text names no category.
    """
    tokens = words(text)
    whole = surfaces.get(" ".join(tokens))
    if whole is not None:
        return whole, ""
    found = list(matches(tokens, surfaces, excluded))
    if not found:
        return None
    start, end, category = max(found, key=lambda match: match[1] - match[0])
    return category, " ".join((*tokens[:start], "category", *tokens[end:]))


def find_severity(text: str, vocabulary: Vocabulary) -> str | None:
    """The canonical severity that a text names: the highest, when there are several."""
    found = [found for _, _, found in matches(words(text), vocabulary.severity_surfaces)]
    return max(found, key=lambda name: vocabulary.severities[name].rank) if found else None


def find_first(text: str, table: Mapping[str, T]) -> T | None:
    """The value of the first phrase of a text that `table` knows, or None."""
    return next((found for _, _, found in matches(words(text), table)), None)


def find_trend(text: str, vocabulary: Vocabulary) -> Trend | None:
    """The first trend that a text names, or None."""
    return find_first(text, vocabulary.trends)


def find_place(text: str, vocabulary: Vocabulary) -> Place | None:
    """The side and region that a text names.

    Left and right together are bilateral. Of several regions the first is kept, unless a later one
    lies inside it ("left lower lung base" is the base).

    Args:
        text: A phrase of location, e.g. ``"at the left lung base"``.
        vocabulary: The closed vocabularies.

    Returns:
        The place, or None when the text names neither side nor region.
    """
    found = [place for _, _, place in matches(words(text), vocabulary.places)]
    if not found:
        return None
    sides: set[Side] = {place.side for place in found if place.side is not None}
    both: Side = "bilateral"
    side = both if len(sides) > 1 else next(iter(sides), None)
    region: str | None = None
    for place in found:
        if region is None or (place.region and region in enclosing(place.region, vocabulary)):
            region = place.region
    return Place(side=side, region=region)


def enclosing(region: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The regions that contain `region`, the nearest first."""
    chain: list[str] = []
    parent = vocabulary.regions[region].parent
    while parent is not None:
        chain.append(parent)
        parent = vocabulary.regions[parent].parent
    return tuple(chain)


def within(inner: Place, outer: Place, vocabulary: Vocabulary) -> bool:
    """Whether `inner` lies inside `outer`: its side is the same, its region the same or below.

    What `outer` leaves open contains everything; what `inner` leaves open lies only in that.
    """
    if outer.side is not None and inner.side != outer.side:
        return False
    if outer.region is None:
        return True
    if inner.region is None:
        return False
    return outer.region in (inner.region, *enclosing(inner.region, vocabulary))
