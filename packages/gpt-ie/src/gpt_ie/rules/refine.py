"""A broad category made narrower by the words around it: "calcified … hilar lymph nodes".

Names of the dictionary stand in one piece, while reports put a side, a number or a grade inside
them. What the words in between leave is a broad name; the table says which words beside it make it
a narrower one. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from iki_knowledge import KnowledgeBase

from gpt_ie.rules.mention import Mention
from gpt_ie.rules.tokens import keys

_BEFORE = 5
_AFTER = 7
_STOPS = keys("; ( ) : with without but")
_JOINTS = keys(
    "shoulder glenohumeral acromioclavicular ac sternoclavicular humeral humerus knee hip "
    "patellofemoral acetabulum femoral compartment wrist elbow ankle"
)
_SPINE = keys(
    "spine spinal vertebral vertebra cervical thoracic lumbar thoracolumbar disc disk facet "
    "endplate"
)
_OLD = keys("old healed healing remote chronic prior previous")
_MANY = keys("multiple several few couple numerous innumerable scattered many")


@dataclass(frozen=True, slots=True)
class Refinement:
    """Words beside a category that make it a narrower one.

    Attributes:
        words: Keys, one of which must stand near.
        unless: Keys, none of which may.
        target: The narrower category.
    """

    words: frozenset[str]
    target: str
    unless: frozenset[str] = frozenset()


_TABLE: Mapping[str, tuple[Refinement, ...]] = {
    "calcification": (
        Refinement(keys("aorta aortic knob arch atherosclerotic"), "aortic_calcification"),
        Refinement(
            keys("lymph node hilar hilum mediastinal mediastinum paratracheal subcarinal ap "
                 "aorticopulmonary"),
            "granulomatous_disease",
        ),
        Refinement(keys("annulus annular mitral valve valvular"), "valve_calcification"),
        Refinement(keys("coronary"), "coronary_calcification"),
        Refinement(keys("costochondral cartilage breast soft tendon tendinitis"),
                   "soft_tissue_calcification"),
        Refinement(keys("pleura pleural"), "pleural_plaque"),
    ),
    "fracture": (
        Refinement(_OLD, "healed_fracture"),
        Refinement(keys("rib ribs costal"), "rib_fracture"),
        Refinement(keys("clavicle clavicular"), "clavicle_fracture"),
        Refinement(_SPINE | keys("compression wedge"), "vertebral_compression"),
    ),
    "rib_fracture": (Refinement(_OLD, "healed_fracture"),),
    "clavicle_fracture": (Refinement(_OLD, "healed_fracture"),),
    "degenerative_spine": (Refinement(_JOINTS, "joint_degeneration", _SPINE),),
    "joint_degeneration": (Refinement(_SPINE, "degenerative_spine", _JOINTS),),
}  # fmt: skip
# What "calcified" before them only describes; a calcified nodule is a granuloma.
_CALCIFIED_NOUNS: Mapping[str, str] = {
    "granuloma": "granuloma",
    "granulomatous_disease": "granulomatous_disease",
    "nodule": "granuloma",
    "multiple_nodules": "granulomatous_disease",
    "lymphadenopathy": "granulomatous_disease",
    "pleural_plaque": "pleural_plaque",
    "pleural_thickening": "pleural_plaque",
    "tortuous_aorta": "tortuous_aorta",
}
_ADJECTIVE = keys("calcified")


@dataclass(frozen=True, slots=True)
class Refinements:
    """The tables, for the categories that a dictionary has."""

    table: Mapping[str, tuple[Refinement, ...]]
    calcified: Mapping[str, str]

    def apply(
        self, words: Sequence[str], plural: Sequence[bool], mentions: Sequence[Mention],
        clauses: Sequence[int],
    ) -> tuple[Mention, ...]:  # fmt: skip
        """The mentions with narrower categories; an adjective that is part of another is dropped.

        Args:
            words: Keys of one sentence's words.
            plural: For each word whether it was written as a plural.
            mentions: In order.
            clauses: For each word the number of its clause.

        Returns:
            The mentions, in order.
        """
        found: list[Mention] = []
        described: dict[int, str] = {}
        for number, mention in enumerate(mentions):
            noun = self._described(words, mentions, number)
            if noun is not None:
                described[noun] = self.calcified[mentions[noun].category]
                continue
            category = described.get(number) or self._narrower(words, mentions, number, clauses)
            if category == "nodule" and plural[mention.last - 1]:
                before = words[max(0, mention.first - _BEFORE) : mention.first]
                category = category if _MANY.isdisjoint(before) else "multiple_nodules"
            found.append(replace(mention, category=category))
        return tuple(found)

    def _described(
        self, words: Sequence[str], mentions: Sequence[Mention], number: int
    ) -> int | None:
        """The mention that "calcified" belongs to, if it stands before one."""
        mention = mentions[number]
        if mention.category != "calcification" or number + 1 == len(mentions):
            return None
        if not _ADJECTIVE.issuperset(words[mention.first : mention.last]):
            return None
        following = mentions[number + 1]
        between = words[mention.last : following.first]
        near = len(between) <= _AFTER and _STOPS.isdisjoint(between) and "," not in between
        return number + 1 if near and following.category in self.calcified else None

    def _narrower(
        self, words: Sequence[str], mentions: Sequence[Mention], number: int, clauses: Sequence[int]
    ) -> str:
        mention = mentions[number]
        rules = self.table.get(mention.category, ())
        if not rules:
            return mention.category
        near = _near(words, mentions, number, clauses)
        for rule in rules:
            if not rule.words.isdisjoint(near) and rule.unless.isdisjoint(near):
                return rule.target
        return mention.category


def build_refinements(kb: KnowledgeBase) -> Refinements:
    """The refinements whose targets a dictionary has."""
    return Refinements(
        {
            category: tuple(rule for rule in rules if rule.target in kb)
            for category, rules in _TABLE.items()
            if category in kb
        },
        {noun: target for noun, target in _CALCIFIED_NOUNS.items() if noun in kb and target in kb},
    )


def _near(
    words: Sequence[str], mentions: Sequence[Mention], number: int, clauses: Sequence[int]
) -> set[str]:
    """The words around a mention, in its clause and up to its neighbours."""
    mention = mentions[number]
    floor = mentions[number - 1].last if number else 0
    roof = mentions[number + 1].first if number + 1 < len(mentions) else len(words)
    found = set(words[mention.first : mention.last])
    for position in range(mention.first - 1, max(floor, mention.first - _BEFORE) - 1, -1):
        if words[position] in _STOPS or clauses[position] != clauses[mention.first]:
            break
        found.add(words[position])
    for position in range(mention.last, min(roof, mention.last + _AFTER)):
        if words[position] in _STOPS or clauses[position] != clauses[mention.last - 1]:
            break
        found.add(words[position])
    return found
