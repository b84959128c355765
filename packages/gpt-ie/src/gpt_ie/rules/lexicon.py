"""The dictionary as the engine searches it: surface forms in trees, ready for one pass each."""

from collections.abc import Mapping
from dataclasses import dataclass

from iki_knowledge import KnowledgeBase, Place, Trend

from gpt_ie.rules.constructions import Constructions, build_constructions
from gpt_ie.rules.cues import Cue, build_cues
from gpt_ie.rules.refine import Refinements, build_refinements
from gpt_ie.rules.tokens import PhraseTree

# What the dictionary keeps as severity or trend, and what in running text mostly means another
# thing: "grossly clear" is roughly clear, "less likely" is a hedge, "central line" is a device.
_NOT_SEVERITY = frozenset(("gross", "grossly"))
_NOT_TREND = frozenset(("less", "constant"))
# Groups of the dictionary whose findings can share the place of a neighbour in a list.
_PLACED_GROUPS = frozenset(("lungs", "pleura"))
# Of those, what is said of the chest as a whole: "low volumes and bibasilar atelectasis".
_WHOLE = frozenset(("low_lung_volumes", "hyperinflation", "copd"))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything that the engine looks for.

    Attributes:
        findings: Surface form -> category; what names no finding ("mass effect", "abnormality")
            -> "".
        severities: Surface form -> canonical severity.
        places: Surface form -> side and region.
        trends: Surface form -> trend.
        cues: Phrases that deny, hedge or bound.
        constructions: Findings of subject and predicate.
        refinements: Words that make a category narrower.
        rank: Rank of each severity.
        unplaced: Categories that never take their place from a neighbour in a list.
        placeless: Categories without side and region: there is one heart.
    """

    findings: PhraseTree[str]
    severities: PhraseTree[str]
    places: PhraseTree[Place]
    trends: PhraseTree[Trend]
    cues: PhraseTree[Cue]
    constructions: Constructions
    refinements: Refinements
    rank: Mapping[str, int]
    unplaced: frozenset[str]
    placeless: frozenset[str]


def build_lexicon(kb: KnowledgeBase) -> Lexicon:
    """Put a dictionary's surface forms and vocabularies into trees.

    Args:
        kb: The dictionary; overlays included.

    Returns:
        The lexicon.
    """
    findings: PhraseTree[str] = PhraseTree()
    severities: PhraseTree[str] = PhraseTree()
    places: PhraseTree[Place] = PhraseTree()
    trends: PhraseTree[Trend] = PhraseTree()
    for surface in kb.excluded:
        findings.add(surface, "")
    for surface, category in kb.surfaces.items():
        # "no acute abnormality" denies nothing in particular.
        findings.add(surface, "" if kb[category].vague else category)
    for surface, severity in kb.vocabulary.severity_surfaces.items():
        if surface not in _NOT_SEVERITY:
            severities.add(surface, severity)
    for surface, place in kb.vocabulary.places.items():
        places.add(surface, place)
    for surface, trend in kb.vocabulary.trends.items():
        if surface not in _NOT_TREND:
            trends.add(surface, trend)
    return Lexicon(
        findings=findings,
        severities=severities,
        places=places,
        trends=trends,
        cues=build_cues(),
        constructions=build_constructions(kb),
        refinements=build_refinements(kb),
        rank={name: severity.rank for name, severity in kb.vocabulary.severities.items()},
        unplaced=frozenset(
            entry.id
            for entry in kb.entries.values()
            if entry.group not in _PLACED_GROUPS or entry.id in _WHOLE
        ),
        placeless=frozenset(entry.id for entry in kb.entries.values() if entry.group == "heart"),
    )
