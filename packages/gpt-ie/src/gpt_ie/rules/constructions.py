"""Findings that a sentence spreads over a subject and a predicate: "the heart is mildly enlarged".

They are grammar rather than vocabulary: no surface form of the dictionary stands in one piece. The
table names the category by one of its surface forms, so it follows the dictionary's own ids.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from iki_knowledge import KnowledgeBase, Presence, normalise

from gpt_ie.rules.cues import expand
from gpt_ie.rules.mention import Mention
from gpt_ie.rules.tokens import Hit, PhraseTree, keys

# Lists as in cues.py: a comma parts phrases and {a|b} stands for either.
_SUBJECTS: Mapping[str, str] = {
    "heart": """
        heart {|size|shadow|silhouette}, cardiac {|mediastinal} {silhouette|contour|shadow|outline},
        cardiac {|silhouette} size, size of the {heart|cardiac silhouette}, heart and mediastinum,
        {cardiomediastinal|cardio mediastinal|cardiothymic|cardiopericardial} {silhouette|contour},
        cardiac and mediastinal {silhouette|contour}, cardiac {COMMA} mediastinal
    """,
    "lung": "lung {|field|parenchyma}",
    "lobe": "lobe, lingula, rml, rll, lll, rul, lul",
    "lung volume": "{lung|inspiratory} volume, lung inflation",
    "aorta": "{|thoracic} aorta, aortic {arch|knob}",
    "mediastinum": "{|superior|upper} mediastinum",
    "diaphragm": "{|hemi}diaphragm",
    "costophrenic angle": "costophrenic {|angle|sulcus|recess}, cp angle",
    "pleura": "pleura",
    "fissure": "fissure",
    "rib": "rib, clavicle",
    "vertebra": "vertebral {body|height}, {|thoracic|lumbar} vertebra",
    "vessel": "{|pulmonary} {vasculature|vascularity}, pulmonary vessel",
}
_PREDICATES: Mapping[str, str] = {
    "enlarged": "enlarged, large, big, enlargement of, increased in size, increase in",
    "normal": """
        {|high|upper|top} normal {|in size}, {|within} normal {limits|range}, unremarkable,
        within limits of normal, {upper|top} {limit|limits} {|of} normal
    """,
    "borderline": "borderline",
    "clear": "clear",
    "tortuous": "tortuous, tortuosity of, uncoiled, unfolded",
    "dilated": "dilated, ectatic, aneurysmal, {dilatation|dilation|ectasia} of",
    "calcified": "calcified, calcification of",
    "widened": "wide, widened, widening of",
    "elevated": "elevated, {elevation|eventration} of",
    "flattened": "flattened, flattening of",
    "blunted": "blunted, blunting {|of}",
    "low": "low, diminished, reduced, small",
    "hyperinflated": "{hyperinflated|hyperexpanded|overinflated|hyperaerated|hyperlucent}, "
    "{hyperexpansion|hyperinflation} of",
    "collapsed": "collapsed, atelectatic, collapse {|of}",
    "thickened": "thickened, thickening {|of|in}",
    "fractured": "fractured, fracture of",
    "deformed": "deformed, deformity of",
    "wedged": """
        wedged, wedging {|of}, compressed, compression of, loss of height {|of|in}, height loss
    """,
    "congested": "congested, engorged, {engorgement|congestion} of",
}
_TABLE: tuple[tuple[str, str, str, Presence], ...] = (
    ("heart", "enlarged", "cardiomegaly", "present"),
    ("heart", "normal", "cardiomegaly", "absent"),
    ("heart", "borderline", "cardiomegaly", "uncertain"),
    ("lung", "clear", "lung opacity", "absent"),
    ("lung", "hyperinflated", "hyperinflation", "present"),
    ("lung", "collapsed", "atelectasis", "present"),
    ("lobe", "collapsed", "lobar collapse", "present"),
    ("lung volume", "low", "low lung volumes", "present"),
    ("aorta", "tortuous", "tortuous aorta", "present"),
    ("aorta", "dilated", "aortic enlargement", "present"),
    ("aorta", "enlarged", "aortic enlargement", "present"),
    ("aorta", "calcified", "aortic calcification", "present"),
    ("mediastinum", "widened", "widened mediastinum", "present"),
    ("diaphragm", "elevated", "elevated diaphragm", "present"),
    ("diaphragm", "flattened", "flattened diaphragm", "present"),
    ("costophrenic angle", "blunted", "blunted costophrenic angle", "present"),
    ("pleura", "thickened", "pleural thickening", "present"),
    ("fissure", "thickened", "fissural thickening", "present"),
    ("rib", "fractured", "fracture", "present"),
    ("rib", "deformed", "rib deformity", "present"),
    ("vertebra", "wedged", "vertebral compression", "present"),
    ("vertebra", "fractured", "vertebral compression", "present"),
    ("vessel", "congested", "vascular congestion", "present"),
)
# "Heart size and mediastinal contours are normal" still speaks of the heart after nine words.
_REACH = 14
# Between a predicate and the subject that it precedes: "enlargement of the cardiac silhouette".
_NOUN_PHRASE = keys(
    "the of a an in size left right bilateral both mild mildly cardiac upper middle lower part "
    "portion substantial entire partial segment most and minor major horizontal oblique"
)
_RESETS = keys("; with without but however although there ( )")
# "Lungs are otherwise clear" tells of an opacity rather than denying it.
_PARTIAL = frozenset(("otherwise", "except", "remaining", "remainder", "elsewhere", "rest"))


@dataclass(frozen=True, slots=True)
class Constructions:
    """The table with phrases as trees, for one dictionary."""

    subjects: PhraseTree[str] = field(default_factory=PhraseTree)
    predicates: PhraseTree[str] = field(default_factory=PhraseTree)
    meanings: Mapping[tuple[str, str], tuple[str, Presence]] = field(default_factory=dict)

    def find(self, words: Sequence[str], taken: frozenset[int]) -> Iterator[Mention]:
        """Every subject with a predicate of the table.

        Args:
            words: Keys of one sentence's words.
            taken: Tokens of cues ("clear of"), which are no predicates.

        Yields:
            Mentions that reach from subject to predicate or the other way round.
        """
        subjects = self.subjects.find(words)
        if not subjects:
            return
        predicates = [hit for hit in self.predicates.find(words) if hit.first not in taken]
        used: set[int] = set()
        for number in range(len(subjects)):
            yield from self._after(words, subjects, number, predicates, used)
        for predicate in predicates:
            if predicate.first not in used:
                yield from self._before(words, subjects, predicate)

    def _after(
        self,
        words: Sequence[str],
        subjects: Sequence[Hit[str]],
        number: int,
        predicates: Sequence[Hit[str]],
        used: set[int],
    ) -> Iterator[Mention]:
        """As in "the heart is enlarged": predicates that follow, up to another subject's."""
        subject = subjects[number]
        others = [other.first for other in subjects[number + 1 :]]
        position = subject.last
        closed = False
        for hit in predicates:
            if hit.first < subject.last:
                continue
            reach = 3 if closed else _REACH
            between = words[position : hit.first]
            if len(between) > reach or not _RESETS.isdisjoint(between):
                return
            if closed and any(position <= other < hit.first for other in others):
                return
            if hit.last <= len(words) and words[hit.last - 1] in ("of", "in"):
                return
            closed, position = True, hit.last
            used.add(hit.first)
            yield from self._mention(words, subject, hit, subject.first, hit.last)

    def _before(
        self, words: Sequence[str], subjects: Sequence[Hit[str]], hit: Hit[str]
    ) -> Iterator[Mention]:
        """As in "enlarged heart" and "elevation of the left hemidiaphragm"."""
        for subject in subjects:
            if subject.first >= hit.last:
                between = words[hit.last : subject.first]
                if len(between) <= 6 and _NOUN_PHRASE.issuperset(between):
                    yield from self._mention(words, subject, hit, hit.first, subject.last)
                return

    def _mention(
        self, words: Sequence[str], subject: Hit[str], predicate: Hit[str], first: int, last: int
    ) -> Iterator[Mention]:
        meaning = self.meanings.get((subject.value, predicate.value))
        if meaning is None:
            return
        category, presence = meaning
        if predicate.value == "clear" and not _PARTIAL.isdisjoint(words):
            return
        yield Mention(category, first, last, predicate.first, presence)


def build_constructions(kb: KnowledgeBase) -> Constructions:
    """The constructions whose category the dictionary has."""
    subjects: PhraseTree[str] = PhraseTree()
    predicates: PhraseTree[str] = PhraseTree()
    for tree, phrases in ((subjects, _SUBJECTS), (predicates, _PREDICATES)):
        for name, listed in phrases.items():
            for form in expand(listed):
                tree.add(form, name)
    meanings: dict[tuple[str, str], tuple[str, Presence]] = {}
    for subject, predicate, surface, presence in _TABLE:
        category = kb.surfaces.get(normalise(surface))
        if category is not None and not kb[category].vague:
            meanings[subject, predicate] = (category, presence)
    return Constructions(subjects, predicates, meanings)
