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
    "mediastinum": """
        {|superior|upper} mediastinum, {|superior|upper} mediastinal {contour|silhouette},
        paratracheal {stripe|soft tissue|region}
    """,
    "hilum": "{|pulmonary} hilum, hilar {|contour|region|structure|shadow}, bihilar",
    "spine": """
        {|upper|mid|lower} {thoracic|lumbar} spine, spine, midthoracic spine,
        thoracolumbar {junction|spine}
    """,
    "tip": "tip",
    "diaphragm": "{|hemi}diaphragm",
    "costophrenic angle": "costophrenic {|angle|sulcus|recess}, cp angle, sulcus, pleural space",
    "pleura": "pleura",
    "fissure": "fissure",
    "rib": "rib, clavicle",
    "bone": "scapula, humerus, humeral {|head|neck|surgical neck}",
    "vertebra": """
        vertebral {body|height}, {|thoracic|lumbar|midthoracic} vertebra,
        t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, l1, l2, l3, l4, l5
    """,
    "vessel": """
        {|pulmonary|lung|central|central pulmonary} {vasculature|vascularity},
        {|central} pulmonary vessel
    """,
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
    "deformed": """
        deformed, deformity {|of|in|within|at}, contour {irregularity|abnormality} {|of},
        irregularity of, posttraumatic change {|of}
    """,
    "lucent": "{lucency|sclerosis} {|of|in|within|involving}, lucent, expansile lesion of",
    "prominent": "prominent, prominence {|of}, {full|fullness} {|of|in|to}",
    "increased": "increased",
    "indistinct": "indistinct",
    "degenerated": """
        degenerated, {degeneration|degenerative} {|of}, endplate change {|of|in|within}
    """,
    "in a vein": """
        svc, superior {vena|} cava, {cavoatrial|atriocaval} junction, {caval|cavo} atrial junction,
        atrial caval junction, superior caval, right atrium
    """,
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
    ("mediastinum", "prominent", "widened mediastinum", "present"),
    ("mediastinum", "thickened", "widened mediastinum", "present"),
    ("hilum", "prominent", "hilar enlargement", "present"),
    ("hilum", "enlarged", "hilar enlargement", "present"),
    ("pleura", "thickened", "pleural thickening", "present"),
    ("fissure", "thickened", "fissural thickening", "present"),
    ("rib", "fractured", "fracture", "present"),
    ("rib", "deformed", "rib deformity", "present"),
    ("rib", "lucent", "lytic lesion", "present"),
    ("bone", "lucent", "lytic lesion", "present"),
    ("bone", "deformed", "rib deformity", "present"),
    ("vertebra", "wedged", "vertebral compression", "present"),
    ("vertebra", "fractured", "vertebral compression", "present"),
    ("vertebra", "deformed", "vertebral deformity", "present"),
    ("spine", "deformed", "vertebral deformity", "present"),
    ("spine", "fractured", "vertebral deformity", "present"),
    ("spine", "degenerated", "degenerative spine disease", "present"),
    ("vessel", "congested", "vascular congestion", "present"),
    ("vessel", "prominent", "vascular congestion", "present"),
    ("vessel", "increased", "vascular congestion", "present"),
    ("vessel", "indistinct", "vascular congestion", "present"),
    # The device's name was removed or left out: "right chest ___ with its tip in the SVC".
    ("tip", "in a vein", "central venous catheter", "present"),
)
# "Heart size and mediastinal contours are normal" still speaks of the heart after nine words.
_REACH = 14
# Between a predicate and the subject that it precedes: "enlargement of the cardiac silhouette".
_NOUN_PHRASE = keys(
    "the of a an in size left right bilateral both mild mildly cardiac upper middle lower part "
    "portion substantial entire partial segment most and minor major horizontal oblique lateral "
    "medial anterior posterior anterolateral posterolateral distal proximal central pulmonary "
    "several multiple superior inferior mid midthoracic thoracic lumbar level approximately "
    "1st 2nd 3rd 4th 5th 6th 7th 8th 9th 10th 11th 12th first second third fourth fifth sixth "
    "seventh eighth ninth tenth eleventh twelfth aspect"
)
_RESETS = keys("; with without but however although there ( )")
# Predicate -> words anywhere in the sentence that give it another meaning.
_TURNING: Mapping[str, frozenset[str]] = {
    # "Lungs are otherwise clear" tells of an opacity rather than denying it.
    "clear": frozenset(("otherwise", "except", "remaining", "remainder", "elsewhere", "rest")),
    # "Kyphotic deformity of the spine" is no deformity of a vertebra.
    "deformed": keys("kyphotic scoliotic kyphoscoliotic pectus chest"),
    # The tips of leads lie in the heart.
    "in a vein": keys("lead pacemaker pacing generator icd aicd defibrillator electrode"),
}
# "Prominent hilar nodes" are no prominent hilum.
_OF_HILUM = keys(
    "lymph node calcified calcification granuloma adenopathy lymphadenopathy mass nodule opacity"
)


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
            found = list(self._mention(words, subject, hit, subject.first, hit.last))
            if found:
                used.add(hit.first)
            yield from found

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
        if _misread(words, subject, predicate):
            return
        yield Mention(category, first, last, predicate.first, presence)


def _misread(words: Sequence[str], subject: Hit[str], predicate: Hit[str]) -> bool:
    """Whether words of the sentence give a subject and its predicate another meaning."""
    turning = _TURNING.get(predicate.value)
    if turning is not None and not turning.isdisjoint(words):
        return True
    if predicate.value == "low" and words[predicate.last : predicate.last + 1] == ("normal",):
        return True
    follows = words[subject.last : subject.last + 2]
    return subject.value == "hilum" and not _OF_HILUM.isdisjoint(follows)


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
