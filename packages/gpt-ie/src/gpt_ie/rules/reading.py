"""One sentence read from start to end: words, mentions, clauses, verdicts, slots. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from iki_knowledge import Finding, Side, Trend

from gpt_ie.rules.clauses import number_clauses
from gpt_ie.rules.cues import Cue
from gpt_ie.rules.lexicon import Lexicon
from gpt_ie.rules.mention import Mention, Sentence, Verdict
from gpt_ie.rules.places import Location, locations
from gpt_ie.rules.scope import judge
from gpt_ie.rules.slots import Slots, fill_slots
from gpt_ie.rules.tokens import Hit, Tokens, keys, tokenise

# Organs and collections of which there is one on each side, so that their plural means both.
_PAIRED = keys("diaphragm hemidiaphragm effusion pneumothorax")
# How the name of a curve begins that is convex to one side: "levoscoliosis".
_CONVEX: tuple[tuple[str, Side], ...] = (("levo", "left"), ("dextro", "right"))
# Words of cues are neither predicates nor modifiers, but for these.
_PREDICATES_IN_CUES = frozenset(("borderline",))
_CHANGE = keys(
    "change changed increase increased decrease decreased improvement improved worsening "
    "progression progressed"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A finding of one sentence, with character offsets into the text that was read.

    Attributes:
        finding: The finding; its presence is None-free, see `verdict`.
        verdict: How presence was decided; a presence of None means not asserted.
        surface: Start and end of the words that name the category.
        evidence: Start and end of the span with the words for severity, place and trend.
    """

    finding: Finding
    verdict: Verdict
    surface: tuple[int, int]
    evidence: tuple[int, int]

    def moved(self, by: int) -> "Reading":
        """The same reading in a text in which the sentence begins `by` characters later."""
        (first, last), (start, end) = self.surface, self.evidence
        return Reading(self.finding, self.verdict, (first + by, last + by), (start + by, end + by))


def read_sentence(
    lexicon: Lexicon, text: str, start: int = 0, end: int | None = None
) -> list[Reading]:
    """Read one sentence.

    Args:
        lexicon: What to look for.
        text: The text that holds it.
        start: First character of the sentence.
        end: One past its last; None for the end of the text.

    Returns:
        Every mention with its verdict, those not asserted too, in order.
    """
    tokens = tokenise(text, start, end)
    sentence = parse(lexicon, tokens)
    if not sentence.mentions:
        return []
    verdicts = judge(sentence)
    slots = fill_slots(
        sentence,
        frozenset(n for n, verdict in enumerate(verdicts) if verdict.presence == "absent"),
        rank=lexicon.rank,
        unplaced=lexicon.unplaced,
        placeless=lexicon.placeless,
    )
    return [
        _reading(tokens, mention, verdict, slot, _sided(tokens, mention, verdict, location))
        for mention, verdict, slot in zip(sentence.mentions, verdicts, slots, strict=True)
        for location in locations(sentence, slot.places)
    ]


def _sided(tokens: Tokens, mention: Mention, verdict: Verdict, location: Location) -> Location:
    """The location with the side that the name tells: "flat diaphragms", "levoscoliosis"."""
    if location.side is not None or verdict.presence == "absent":
        return location
    for position in range(mention.first, mention.last):
        word = tokens.words[position]
        if word in _PAIRED and tokens.plural(position):
            return replace(location, side="bilateral")
        for beginning, side in _CONVEX:
            if word.startswith(beginning):
                return replace(location, side=side)
    return location


def parse(lexicon: Lexicon, tokens: Tokens) -> Sentence:
    """Find everything that the lexicon knows in a sentence, and its clauses."""
    words = tokens.words
    named = [hit for hit in lexicon.findings.find(words) if hit.value]
    cues = tuple(lexicon.cues.find(words))
    taken = frozenset(
        position
        for hit in cues
        if hit.value.phrase not in _PREDICATES_IN_CUES and "normal" not in hit.value.phrase
        for position in range(hit.first, hit.last)
    )
    mentions = _distinct(
        [Mention(hit.value, hit.first, hit.last, hit.first) for hit in named],
        list(lexicon.constructions.find(words, taken)),
    )
    if not mentions:
        return Sentence(tokens, (), cues)
    places = tuple(hit for hit in lexicon.places.find(words) if hit.first not in taken)
    # "Minor fissure" is no minor finding.
    fixed = taken.union(*(range(hit.first, hit.last) for hit in places if hit.last > hit.first + 1))
    # "The heart is large" names the finding, it does not grade it.
    fixed |= {mention.anchor for mention in mentions if mention.last > mention.first + 1}
    trends = [
        hit
        for hit in lexicon.trends.find(words)
        if hit.first not in taken and not _compares(words, hit)
    ]
    clauses = number_clauses(words, cues, mentions)
    return Sentence(
        tokens,
        lexicon.refinements.apply(tokens, mentions, clauses),
        cues,
        tuple(hit for hit in lexicon.severities.find(words) if hit.first not in fixed),
        places,
        (*trends, *_unchanged(words, cues)),
        clauses,
    )


def _compares(words: Sequence[str], hit: Hit[Trend]) -> bool:
    """Whether a word of change compares places: "opacities, worse at the bases"."""
    return words[hit.first : hit.last + 1] in (("worse", "at"), ("worse", "on"), ("worse", "than"))


def _unchanged(words: Sequence[str], cues: Sequence[Hit[Cue]]) -> Iterator[Hit[Trend]]:
    """Denied change is stability: "no increase in", "without significant change"."""
    for hit in cues:
        if hit.value.kind == "neutral" and not _CHANGE.isdisjoint(words[hit.first : hit.last]):
            yield Hit(hit.first, hit.last, "stable")


def _distinct(named: list[Mention], built: list[Mention]) -> tuple[Mention, ...]:
    """Mentions in order; a construction gives way to a surface form that it overlaps.

    Of two constructions of one category that overlap ("the heart is normal to mildly enlarged") the
    later one, which reaches further, is kept.
    """
    kept = list(named)
    for mention in reversed(built):
        clash = any(
            other.first < mention.last
            and mention.first < other.last
            and (other.category == mention.category or other.anchor == mention.anchor)
            for other in kept
        )
        if not clash:
            kept.append(mention)
    return tuple(sorted(kept, key=lambda mention: (mention.anchor, mention.first)))


def _reading(
    tokens: Tokens, mention: Mention, verdict: Verdict, slot: Slots, location: Location
) -> Reading:
    firsts = [mention.first]
    lasts = [mention.last]
    severity = slot.severity if mention.presence == "present" else None
    for hit in (severity, slot.trend, location):
        if hit is not None and hit.first is not None and hit.last is not None:
            firsts.append(hit.first)
            lasts.append(hit.last)
    return Reading(
        finding=Finding(
            category=mention.category,
            severity=severity.value if severity else None,
            side=location.side,
            region=location.region,
            presence=verdict.presence or "uncertain",
            trend=slot.trend.value if slot.trend else None,
        ),
        verdict=verdict,
        surface=(tokens.starts[mention.first], tokens.ends[mention.last - 1]),
        evidence=(tokens.starts[min(firsts)], tokens.ends[max(lasts) - 1]),
    )
