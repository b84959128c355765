"""Which severity, side, region and trend belong to which mention of a sentence. Pure."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from iki_knowledge import Place, Trend

from gpt_ie.rules.clauses import VERBS, parted
from gpt_ie.rules.mention import Mention, Sentence
from gpt_ie.rules.tokens import Hit, keys

Modifier = Hit[str] | Hit[Trend] | Hit[Place]

_PREPOSITIONS = keys(
    "in at within on along over involving overlying near throughout into affecting for to"
)
_STOPS = (
    _PREPOSITIONS
    | VERBS
    | keys("with ; : ( ) no without but which may might could suggest suggesting")
    | keys("represent representing reflect reflecting")
)
_JOIN = frozenset((",", "and", "or", "/", "versus", "vs"))
_ALTERNATIVE = frozenset(("or", "/", "versus", "vs"))
_TURNS = frozenset(("but", "and", "though", "although", ","))
_BARE = 3
_DEGREES = frozenset(("more", "most", "less", "least"))
_CHANGES = frozenset(("worsening", "improvement", "increase", "decrease", "progression", "change"))
_LEVELS = frozenset(("upper", "mid", "lower"))
# Parts of the body that have sides of their own, and parts that do not.
_BEYOND = keys("quadrant abdomen abdominal extremity arm neck")
_OUTSIDE = _BEYOND | keys(
    "thoracic thoracolumbar lumbar cervical svc atrium atrial ventricle ventricular"
)
# What these verbs introduce is their object's: "a low volume film shows a small effusion".
_COPULA = (VERBS | {"measuring", "being"}) - keys(
    "demonstrate show reveal contain overlie have had"
)
# "Minimally displaced" grades the displacement, not the fracture.
_QUALITIES = keys("displaced depressed impacted rotated angulated")


@dataclass(slots=True)
class Slots:
    """What the words around a mention say of it; filled while the sentence is read."""

    severity: Hit[str] | None = None
    trend: Hit[Trend] | None = None
    places: list[Hit[Place]] = field(default_factory=list)


def fill_slots(
    sentence: Sentence,
    denied: Set[int],
    *,
    rank: Mapping[str, int],
    unplaced: Set[str],
    placeless: Set[str],
) -> list[Slots]:
    """Give each severity, place and trend to the mention that it describes.

    Args:
        sentence: With its clauses.
        denied: Numbers of the mentions that are denied; they share no place with the others.
        rank: Rank of each severity; of two that describe one mention the higher is kept.
        unplaced: Categories that take no place from a neighbour in a list.
        placeless: Categories that have no side or region at all.

    Returns:
        Slots for each mention, in order.
    """
    slots = [Slots() for _ in sentence.mentions]
    for severity in sentence.severities:
        graded = _grades_change(sentence, severity)
        index = None if graded else _owner(sentence, severity, far=False)
        if index is not None:
            held = slots[index].severity
            if held is None or rank[severity.value] > rank[held.value]:
                slots[index].severity = severity
    for trend in sentence.trends:
        index = _owner(sentence, trend, far=False)
        if index is not None and slots[index].trend is None:
            slots[index].trend = trend
    for place in sentence.places:
        _give_place(sentence, slots, place, unplaced, placeless)
    _share_places(sentence, slots, denied, unplaced)
    _share_severity(sentence, slots)
    return slots


def _give_place(
    sentence: Sentence,
    slots: Sequence[Slots],
    place: Hit[Place],
    unplaced: Set[str],
    placeless: Set[str],
) -> None:
    """Give a place to its mention; of one outside the lungs no more than the side.

    "Clips in the right upper quadrant" are on the right, but not in the upper lung.
    """
    outside = _outside(sentence, place)
    index = _owner(sentence, place, far=outside is None)
    if index is None or sentence.mentions[index].category in placeless:
        return
    if outside is None:
        slots[index].places.append(place)
    elif outside in _BEYOND and sentence.mentions[index].category in unplaced and place.value.side:
        side = Hit(place.first, place.last, Place(side=place.value.side))
        slots[index].places.append(side)


def _grades_change(sentence: Sentence, hit: Hit[str]) -> bool:
    """Whether a severity grades a change or a quality: "slightly improved", "more marked"."""
    words = sentence.tokens.words
    if hit.first > 0 and words[hit.first - 1] in _DEGREES:
        return True
    if hit.last < len(words) and words[hit.last] in _QUALITIES:
        return True
    follows = hit.last + (hit.last < len(words) and words[hit.last] == "interval")
    changes = any(trend.first in (hit.last, follows) for trend in sentence.trends)
    adverb = words[hit.last - 1].endswith("ly")
    return changes and (adverb or words[follows] in _CHANGES)


def _outside(sentence: Sentence, hit: Hit[Place]) -> str | None:
    """What a place outside the lungs is of: "right upper quadrant", "lower thoracic spine"."""
    words = sentence.tokens.words
    after = hit.last + (hit.last < len(words) and words[hit.last] in _LEVELS)
    return words[after] if after < len(words) and words[after] in _OUTSIDE else None


def _owner(sentence: Sentence, hit: Modifier, *, far: bool) -> int | None:
    """The mention that a modifier describes.

    In this order: the mention that it lies in or stands right before; the one before it, if a
    preposition or a verb ties them ("in the left base", "is small"); the one after it in the same
    noun phrase; the one that it trails ("effusion, small"); for places (`far`) the nearest in the
    clause.
    """
    words = sentence.tokens.words
    before, after = _neighbours(sentence, hit)
    behind = () if before is None else words[sentence.mentions[before].last : hit.first]
    if before is not None and sentence.mentions[before].last > hit.first:
        return before
    opens = after is not None and _opens(_ahead(words, hit, sentence.mentions[after], far=far))
    if after is not None and opens and sentence.mentions[after].first == hit.last:
        return after
    if before is not None and _follows(behind, copula=not far or after is None):
        return before
    if opens:
        return after
    if before is not None and _trails(behind):
        return before
    return (after if before is None else before) if far else None


def _ahead(words: Sequence[str], hit: Modifier, mention: Mention, *, far: bool) -> Sequence[str]:
    """The words between a modifier and a mention after it, less "in" or "of" behind a change."""
    begin = hit.last
    if not far and begin < mention.first and words[begin] in ("in", "of"):
        begin += 1  # "no change in the effusion", "a small amount of fluid"
    return words[begin : mention.first]


def _neighbours(sentence: Sentence, hit: Modifier) -> tuple[int | None, int | None]:
    """The last mention that starts before a modifier ends, and the first after, in its clause."""
    clause = _speaks_of(sentence, hit.first)
    before: int | None = None
    after: int | None = None
    for index, mention in enumerate(sentence.mentions):
        if sentence.clauses[mention.anchor] != clause:
            continue
        if mention.first < hit.last:
            before = index
        elif after is None:
            after = index
    return before, after


def _speaks_of(sentence: Sentence, position: int) -> int:
    """The clause that a word speaks of: the one before, if its own is a bare "but unchanged"."""
    clauses = sentence.clauses
    clause = clauses[position]
    named = any(clauses[mention.anchor] == clause for mention in sentence.mentions)
    begin = clauses.index(clause)
    bare = position - begin <= _BARE and sentence.tokens.words[begin] in _TURNS
    return clause - 1 if bare and not named and clause > 0 else clause


def _opens(between: Sequence[str]) -> bool:
    """Whether a modifier with these words after it opens the noun phrase of the next mention."""
    return len(between) <= 8 and _STOPS.isdisjoint(between)


def _follows(between: Sequence[str], *, copula: bool) -> bool:
    """Whether a preposition or a verb ties a modifier to the mention before it."""
    if "," in between or ";" in between or "with" in between:
        return False
    tied = not _PREPOSITIONS.isdisjoint(between) or "of" in between
    return tied or (copula and not _COPULA.isdisjoint(between))


def _trails(between: Sequence[str]) -> bool:
    """Whether a modifier stands right behind its mention: "effusion, small"."""
    return len(between) <= 2 and not set(between) & {"and", "or", ";", "with"}


def _share_places(
    sentence: Sentence, slots: Sequence[Slots], denied: Set[int], unplaced: Set[str]
) -> None:
    """A list shares its place both ways: "bibasilar atelectasis and scarring"."""
    pairs = [
        index
        for index in range(len(slots) - 1)
        if ((index in denied) == (index + 1 in denied)) and _listed(sentence, index)
    ]
    categories = [mention.category for mention in sentence.mentions]
    for index in pairs:
        # "Bilateral effusions and mild edema": its own adjective begins a noun phrase of its own.
        apart = slots[index + 1].severity is not None or categories[index + 1] in unplaced
        if not slots[index + 1].places and not apart:
            slots[index + 1].places.extend(_lent(sentence, slots, index))
    for index in reversed(pairs):
        if not slots[index].places and categories[index] not in unplaced:
            slots[index].places.extend(_lent(sentence, slots, index + 1))


def _lent(sentence: Sentence, slots: Sequence[Slots], index: int) -> list[Hit[Place]]:
    """The places that a mention shares: not those inside its own name ("rib" of "rib fracture")."""
    lender = sentence.mentions[index]
    return [
        place
        for place in slots[index].places
        if place.last <= lender.first or lender.last <= place.first
    ]


def _share_severity(sentence: Sentence, slots: Sequence[Slots]) -> None:
    """Two names of one thing share its severity.

    They stand in one noun phrase ("small calcified right apical nodule") or are alternatives
    ("minimal scarring or atelectasis").
    """
    for index in range(len(slots) - 1):
        left, right = sentence.mentions[index], sentence.mentions[index + 1]
        between = sentence.tokens.words[left.last : right.first]
        one = _JOIN.isdisjoint(between) and _opens(between)
        either = not _ALTERNATIVE.isdisjoint(between) and len(between) <= _BARE
        if slots[index + 1].severity is None and (one or either):
            slots[index + 1].severity = slots[index].severity


def _listed(sentence: Sentence, index: int) -> bool:
    """Whether a mention and the next one are listed or identified with each other."""
    left, right = sentence.mentions[index], sentence.mentions[index + 1]
    if sentence.clauses[left.first] != sentence.clauses[right.first]:
        return False
    between = sentence.tokens.words[left.last : right.first]
    if parted(between) or {"no", "without", "there"} & set(between):
        return False
    linked = any(
        left.last <= hit.first < right.first
        and hit.value.kind in ("hedge_next", "hedge_near", "hedge_list", "link")
        for hit in sentence.cues
    )
    return linked or not between or not _JOIN.isdisjoint(between)
