"""A broad category made narrower by the words around it: "calcified … hilar lymph nodes".

Names of the dictionary stand in one piece, while reports put a side, a number or a grade inside
them. What the words in between leave is a broad name; the table says which words beside it make it
a narrower one. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from iki_knowledge import KnowledgeBase

from gpt_ie.rules.clauses import VERBS
from gpt_ie.rules.mention import Mention
from gpt_ie.rules.tokens import Tokens, keys

_BEFORE = 5
_AFTER = 7
# "Healed right 10th and left 9th posterolateral rib fracture": its age opens the noun phrase.
_BEFORE_BONE = 8
_STOPS = keys("; ( ) : with without but")
_JOINTS = keys(
    "shoulder glenohumeral acromioclavicular ac sternoclavicular humeral humerus knee hip "
    "patellofemoral acetabulum femoral compartment wrist elbow ankle"
)
_SPINE = keys(
    "spine spinal vertebral vertebra cervical thoracic lumbar thoracolumbar disc disk facet "
    "endplate"
)
_LEVELS = frozenset(
    f"{letter}{number}" for letter, last in (("t", 12), ("l", 5)) for number in range(1, last + 1)
)
_OLD = keys("old healed healing remote chronic prior previous")
# Where the tip of a catheter stands that is a central line, and the veins that it enters by.
_VEINS = keys(
    "svc cava caval cavoatrial atriocaval jugular ij subclavian picc pic mediport portacath port"
)
_OTHER_TUBES = keys("pleural drainage ventriculoperitoneal vp enteric gastric feeding lead")
_MANY = keys("multiple several few couple numerous innumerable scattered many bilateral diffuse")
_SPREAD = keys("throughout scattered bilaterally")
# Where a noun phrase begins: what stands before these is of another one.
_OPENERS = VERBS | keys(
    "; ( ) : , with without but in at of on over within to for from by may which that"
)
_OPACITIES = keys("opacity density opacification")
_INTERSTITIAL = keys("interstitial")
_LUNG_SPOTS = frozenset(("lung_opacity", "nodule", "multiple_nodules"))
_JOINED = frozenset(("and", "or", "/"))
_WITH_NEIGHBOUR = _JOINED | keys(", mildly moderately markedly")


@dataclass(frozen=True, slots=True)
class Refinement:
    """Words beside a category that make it a narrower one.

    Attributes:
        words: Keys, one of which must stand near.
        unless: Keys, none of which may.
        target: The narrower category.
        heads: Keys, one of which the name must end with; empty for any.
        phrase: Whether only the words before it in its own noun phrase count.
    """

    words: frozenset[str]
    target: str
    unless: frozenset[str] = frozenset()
    heads: frozenset[str] = frozenset()
    phrase: bool = False


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
        Refinement(keys("costochondral cartilage breast soft tendon tendinitis abdomen abdominal "
                        "hemiabdomen quadrant spleen splenic gallstone pancreatic"),
                   "soft_tissue_calcification"),
        Refinement(keys("pleura pleural"), "pleural_plaque"),
    ),
    "fracture": (
        Refinement(_OLD, "healed_fracture"),
        Refinement(keys("rib ribs costal"), "rib_fracture"),
        Refinement(keys("clavicle clavicular"), "clavicle_fracture"),
        Refinement(_SPINE | _LEVELS | keys("compression wedge"), "vertebral_compression"),
    ),
    "lung_opacity": (
        Refinement(_INTERSTITIAL, "interstitial_markings", _JOINED, _OPACITIES, phrase=True),
        Refinement(keys("mediastinum mediastinal paratracheal"), "mediastinal_mass",
                   keys("and silhouette contour obscuring hilum hilar"), _OPACITIES),
    ),
    "support_device": (Refinement(_VEINS, "central_line", _OTHER_TUBES),),
    "chest_tube": (Refinement(_VEINS, "central_line", _OTHER_TUBES),),
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
}
_ADJECTIVE = keys("calcified calcific")
_COPULA = keys("is are appear remain again also densely partially")
_NODES = keys("lymph node")
_NODAL = frozenset(("lymphadenopathy", "granulomatous_disease"))


@dataclass(frozen=True, slots=True)
class Refinements:
    """The tables, for the categories that a dictionary has."""

    table: Mapping[str, tuple[Refinement, ...]]
    calcified: Mapping[str, str]

    def apply(
        self, tokens: Tokens, mentions: Sequence[Mention], clauses: Sequence[int]
    ) -> tuple[Mention, ...]:
        """The mentions with narrower categories; an adjective that is part of another is dropped.

        Args:
            tokens: The words of one sentence.
            mentions: In order.
            clauses: For each word the number of its clause.

        Returns:
            The mentions, in order.
        """
        words = tokens.words
        found: list[Mention] = []
        described: dict[int, str] = {}
        for number, mention in enumerate(mentions):
            noun = self._described(words, mentions, number)
            if noun is not None:
                described[noun] = self.calcified[mentions[noun].category]
                continue
            if self._describes_last(words, mentions, number):
                found[-1] = replace(
                    found[-1], category=self.calcified[mentions[number - 1].category]
                )
                continue
            if _uncalcified(words, mention):
                if mention.category == "granuloma" and "nodule" in self.calcified:
                    found.append(replace(mention, category="nodule"))
                continue
            category = described.get(number) or self._narrower(words, mentions, number, clauses)
            if category == "nodule" and tokens.plural(mention.last - 1) and _many(words, mention):
                category = "multiple_nodules"
            found.extend(self._coordinated(words, mention, category))
            kept = category == mention.category
            found.append(mention if kept else replace(mention, category=category))
        return tuple(found)

    def _coordinated(
        self, words: Sequence[str], mention: Mention, category: str
    ) -> Iterator[Mention]:
        """As in "interstitial and nodular opacities": the first adjective names a finding too."""
        if category not in _LUNG_SPOTS or _INTERSTITIAL.isdisjoint(words):
            return
        rules = self.table.get("lung_opacity", ())
        target = next((rule.target for rule in rules if rule.words == _INTERSTITIAL), None)
        if target is None or words[mention.last - 1] not in _OPACITIES:
            return
        phrase = _phrase(words, mention)
        first = mention.first - len(phrase)
        for position in range(first, mention.first):
            joined = not _JOINED.isdisjoint(words[position : mention.first])
            if words[position] in _INTERSTITIAL and joined:
                yield Mention(target, position, position + 1, position)

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
        # "Calcified hilar nodes and granulomas" calls the nodes calcified.
        near = near and (following.category in _NODAL or _NODES.isdisjoint(between))
        return number + 1 if near and following.category in self.calcified else None

    def _describes_last(
        self, words: Sequence[str], mentions: Sequence[Mention], number: int
    ) -> bool:
        """Whether "calcified" is said of the mention before: "the nodule appears calcified"."""
        mention = mentions[number]
        if mention.category != "calcification" or not number:
            return False
        before = mentions[number - 1]
        between = words[before.last : mention.first]
        said = bool(between) and _COPULA.issuperset(between)
        adjective = _ADJECTIVE.issuperset(words[mention.first : mention.last])
        return said and adjective and before.category in self.calcified

    def _narrower(
        self, words: Sequence[str], mentions: Sequence[Mention], number: int, clauses: Sequence[int]
    ) -> str:
        mention = mentions[number]
        head = words[mention.last - 1]
        rules = [
            rule
            for rule in self.table.get(mention.category, ())
            if not rule.heads or head in rule.heads
        ]
        if not rules:
            return mention.category
        near = _near(words, mentions, number, clauses)
        phrase = _phrase(words, mention)
        for rule in rules:
            around = phrase if rule.phrase else near
            if not rule.words.isdisjoint(around) and rule.unless.isdisjoint(around):
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


def _many(words: Sequence[str], mention: Mention) -> bool:
    """Whether words before or after a plural say that there are many."""
    before = words[max(0, mention.first - _BEFORE) : mention.first]
    after = words[mention.last : mention.last + 3]
    return not (_MANY.isdisjoint(before) and _SPREAD.isdisjoint(after))


def _uncalcified(words: Sequence[str], mention: Mention) -> bool:
    """Whether a name that begins with "calcified" is turned round: "non calcified nodule"."""
    turned = mention.first > 0 and words[mention.first - 1] == "non"
    return turned and words[mention.first] in _ADJECTIVE


def _phrase(words: Sequence[str], mention: Mention) -> Sequence[str]:
    """The words before a mention that belong to its own noun phrase."""
    first = mention.first
    while first > 0 and mention.first - first < _BEFORE and words[first - 1] not in _OPENERS:
        first -= 1
    return words[first : mention.first]


def _said(words: Sequence[str], mention: Mention) -> set[str]:
    """The words of a mention and of its category's name: "tortuous" speaks of the aorta."""
    return {*words[mention.first : mention.last], *mention.category.split("_")}


def _near(
    words: Sequence[str], mentions: Sequence[Mention], number: int, clauses: Sequence[int]
) -> set[str]:
    """The words around a mention, in its clause and up to its neighbours.

    A neighbour that nothing but "and" parts from it is described along with it: "the aorta is
    tortuous and calcified".
    """
    mention = mentions[number]
    floor, roof = 0, len(words)
    found = set(words[mention.first : mention.last])
    if number:
        before = mentions[number - 1]
        floor = before.last
        if _WITH_NEIGHBOUR.issuperset(words[floor : mention.first]):
            found.update(_said(words, before))
    if number + 1 < len(mentions):
        after = mentions[number + 1]
        roof = after.first
        if _WITH_NEIGHBOUR.issuperset(words[mention.last : roof]):
            found.update(_said(words, after))
    reach = _BEFORE_BONE if "rib" in found or "clavicle" in found else _BEFORE
    for position in range(mention.first - 1, max(floor, mention.first - reach) - 1, -1):
        if words[position] in _STOPS or clauses[position] != clauses[mention.first]:
            break
        found.add(words[position])
    for position in range(mention.last, min(roof, mention.last + _AFTER)):
        if words[position] in _STOPS or clauses[position] != clauses[mention.last - 1]:
            break
        found.add(words[position])
    return found
