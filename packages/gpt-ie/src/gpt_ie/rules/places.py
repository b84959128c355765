"""The side and region of a finding, put together from the words that state them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from iki_knowledge import Place, Side

from gpt_ie.rules.mention import Sentence
from gpt_ie.rules.tokens import Hit, Tokens

_LIST = frozenset((",", "and", "or"))
# Of these there is one on each side: "opacities in the lung bases" are on both.
_PAIRED = frozenset(
    (
        "apex",
        "base",
        "costophrenic_angle",
        "hilum",
        "perihilar",
        "upper_lobe",
        "lower_lobe",
    )
)
_COMPARED = frozenset(("greater", "worse", "more", "larger", "than"))


@dataclass(frozen=True, slots=True)
class Location:
    """One place of a finding with the tokens that state it."""

    side: Side | None = None
    region: str | None = None
    first: int | None = None
    last: int | None = None


def locations(sentence: Sentence, places: Sequence[Hit[Place]]) -> list[Location]:
    """The places of one mention, one for each that its words tell apart.

    Side and region are put together ("right … at the base"); left and right of one region are
    bilateral; regions that "and" or a comma joins are apart ("left base and right apex").

    Args:
        sentence: The sentence.
        places: The places of the mention.

    Returns:
        At least one location, which may be empty.
    """
    if not places:
        return [Location()]
    found: list[Location] = []
    bare: list[int] = []
    end = 0
    for hit in sorted(places, key=lambda place: place.first):
        between = sentence.tokens.words[end : hit.first]
        if _add(found, hit, between) and _LIST.issuperset(between):
            bare.append(len(found) - 2)
        end = hit.last
    for index in reversed(bare):
        if found[index].region is None:  # "right and left bases", unlike "right lung and left base"
            found[index] = replace(found[index], region=found[index + 1].region)
    sided = [_both(one, sentence.tokens) for one in _united(found)]
    united = {(one.side, one.region): one for one in reversed(sided)}
    return list(reversed(united.values()))


def _add(found: list[Location], hit: Hit[Place], between: Sequence[str]) -> bool:
    """Join a place to the last location, begin a new one, or pass it over.

    Args:
        found: The locations so far.
        hit: The place.
        between: The words between it and the place before.

    Returns:
        Whether a second or later location has begun.
    """
    place = hit.value
    if not found:
        found.append(Location(place.side, place.region, hit.first, hit.last))
        return False
    last = found[-1]
    side_clash = None not in (last.side, place.side) and last.side != place.side
    region_clash = None not in (last.region, place.region) and last.region != place.region
    side = last.side or place.side
    if not _COMPARED.isdisjoint(between):
        side = "bilateral" if side_clash else side
    elif side_clash or region_clash:
        begins = not _LIST.isdisjoint(between)
        if begins:
            found.append(Location(place.side or last.side, place.region, hit.first, hit.last))
        return begins
    found[-1] = Location(side, last.region or place.region, last.first, hit.last)
    return False


def _both(one: Location, tokens: Tokens) -> Location:
    """A place without a side is bilateral where its paired part stands in the plural."""
    if one.side is not None or one.region not in _PAIRED or one.last is None:
        return one
    return replace(one, side="bilateral") if tokens.plural(one.last - 1) else one


def _united(found: Sequence[Location]) -> list[Location]:
    """Left and right of one region become one bilateral."""
    if len(found) == 2:
        one, two = found
        if {one.side, two.side} == {"left", "right"} and one.region == two.region:
            return [Location("bilateral", one.region, one.first, two.last)]
    return list(found)
