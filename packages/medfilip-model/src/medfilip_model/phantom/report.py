"""A report that says what was drawn: varied sentences, hedges, denials of what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from iki_knowledge import Finding

from medfilip_model.phantom import phrases
from medfilip_model.phantom.config import (
    INCIDENTAL_CATEGORIES,
    SEEN_CATEGORIES,
    UNSEEN_CATEGORIES,
    PhantomConfig,
)
from medfilip_model.phantom.kinds import DEVICES
from medfilip_model.phantom.patient import Patient
from medfilip_model.phantom.planned import Planned

_CLOUDED = frozenset(
    {*SEEN_CATEGORIES, *UNSEEN_CATEGORIES, "granuloma", "granulomatous_disease", "scarring"}
) - {"cardiomegaly", "rib_fracture", "hernia"}
"""With any of these the lungs are not called clear."""
_CROWDED = frozenset({"hernia", "granulomatous_disease"})
"""With any of these the contours of the mediastinum are not called normal."""
_BROKEN = frozenset({"rib_fracture", "healed_fracture"})
_DENIAL_BLOCKED_BY = {
    # A report that calls a lung pneumonic does not deny consolidation beside it.
    "consolidation": frozenset(
        {"consolidation", "pneumonia", "lung_opacity", "covid19", "pulmonary_edema", "mass"}
    ),
    "nodule": frozenset({"nodule", "mass", "granuloma"}),
    "mass": frozenset({"nodule", "mass", "consolidation", "granuloma"}),
    "vascular_congestion": frozenset({"vascular_congestion", "pulmonary_edema"}),
    "pulmonary_edema": frozenset({"vascular_congestion", "pulmonary_edema"}),
    "rib_fracture": _BROKEN,
}


@dataclass(frozen=True)
class PhantomReport:
    """The two sections of a written report.

    Attributes:
        findings: What is seen, sentence by sentence, what is missing included.
        impression: The conclusion.
    """

    findings: str
    impression: str


def _pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _where(rng: np.random.Generator, finding: Finding) -> tuple[list[str], str]:
    """(words before the noun, words after it) that tell side and region."""
    side, region = finding.side, finding.region
    if region in phrases.SPOKEN_REGIONS:
        region = None
    before = region in phrases.ADJECTIVES and bool(rng.random() < 0.5)
    if side == "bilateral":
        return _both(region, before=before)
    if side is None:
        if region is None:
            return [], ""
        if before or region not in phrases.SIDELESS_PLACES:
            return [phrases.ADJECTIVES[region]], ""
        return [], phrases.SIDELESS_PLACES[region]
    if region is None:
        return [side], ""
    if before:
        word = phrases.ADJECTIVES[region]
        return ([word] if region == "lingula" else [side, word]), ""
    return [], phrases.PLACES[region].format(side=side)


def _both(region: str | None, *, before: bool) -> tuple[list[str], str]:
    if region is None:
        return ["bilateral"], ""
    if before and region in phrases.BOTH_ADJECTIVES:
        return [phrases.BOTH_ADJECTIVES[region]], ""
    if before or region not in phrases.BOTH_PLACES:
        return ["bilateral", phrases.ADJECTIVES[region]], ""
    return [], phrases.BOTH_PLACES[region]


@dataclass(frozen=True)
class _NounPhrase:
    text: str
    plural: bool


def _noun_phrase(rng: np.random.Generator, finding: Finding, *, plain: bool = False) -> _NounPhrase:
    """Trend, severity, side, region and noun of a finding, with its article unless ``plain``."""
    words: list[str] = []
    if finding.trend is not None:
        words.append(_pick(rng, phrases.TREND_WORDS[finding.trend]))
    if finding.severity is not None:
        words.append(_pick(rng, phrases.SEVERITY_WORDS[finding.severity]))
    before, after = _where(rng, finding)
    noun = _pick(rng, phrases.NOUNS[finding.category])
    words += before
    countable = finding.category in phrases.COUNTABLE
    plural = countable and finding.side == "bilateral"
    words.append(_many(noun) if plural else noun)
    text = " ".join(words)
    if countable and not plural and not plain:
        text = f"{'an' if text[0] in 'aeiou' else 'a'} {text}"
    plural = plural or finding.category in phrases.PLURAL
    return _NounPhrase(f"{text} {after}" if after else text, plural)


def _many(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def _sentence(rng: np.random.Generator, finding: Finding, hedged: bool) -> str:
    if hedged:
        phrase = _noun_phrase(rng, finding, plain=True)
        frame = _pick(rng, phrases.HEDGES)
        return _capital(frame.format(np=phrase.text, be="are" if phrase.plural else "is"))
    own = phrases.OWN_STATEMENTS.get(finding.category)
    if own is not None and finding.trend is None and rng.random() < 0.4:
        severity = finding.severity or "mild"
        words = {"adverb": phrases.ADVERBS[severity], "severity": severity, "side": finding.side}
        return _capital(_pick(rng, own).format(**words))
    phrase = _noun_phrase(rng, finding)
    if finding.category in DEVICES:
        statement = _pick(rng, phrases.DEVICE_STATEMENTS[finding.category])
        return _capital(f"{phrase.text} {statement}.")
    frame = _pick(rng, phrases.STATEMENTS)
    return _capital(frame.format(np=phrase.text, be="are" if phrase.plural else "is"))


def _denials(rng: np.random.Generator, present: frozenset[str]) -> list[str]:
    """Sentences that deny categories the image does not show, none twice."""
    said: set[str] = set()
    sentences: list[str] = []
    for categories, frames in phrases.DENIALS:
        blocked = any(
            present & _DENIAL_BLOCKED_BY.get(name, frozenset({name})) for name in categories
        )
        if not blocked and not said & set(categories) and rng.random() < 0.5:
            said |= set(categories)
            sentences.append(_pick(rng, frames))
    return sentences


def _asides(rng: np.random.Generator, patient: Patient, present: frozenset[str]) -> list[str]:
    options = [
        text
        for text in phrases.ASIDES
        if "trachea" not in text or abs(patient.shift_mediastinum) < 0.02
    ]
    if not present & _BROKEN:
        options += phrases.BONE_ASIDES
    if abs(patient.rotation) > 0.5:
        options.append("The patient is slightly rotated.")
    return [_pick(rng, options)] if rng.random() < 0.6 else []


def write_report(
    rng: np.random.Generator,
    planned: tuple[Planned, ...],
    patient: Patient,
    config: PhantomConfig,
    *,
    unsaid: frozenset[str] = frozenset(),
) -> PhantomReport:
    """The report of an image.

    A share of the findings is hedged in both sections ("possible …"): the truth list still calls
    them present, because they are drawn. Nothing is hedged that is not drawn.

    Args:
        rng: The phantom's report stream.
        planned: What was drawn.
        patient: The body as drawn.
        config: Share of hedged findings.
        unsaid: Categories that are drawn too, of which the report says nothing: it neither names
            nor denies them.
    """
    present = unsaid | {item.finding.category for item in planned}
    main = [p.finding for p in planned if p.finding.category not in INCIDENTAL_CATEGORIES]
    extras = [p.finding for p in planned if p.finding.category in INCIDENTAL_CATEGORIES]
    hedged = {finding.category: bool(rng.random() < config.hedge_share) for finding in main}
    body = [_sentence(rng, finding, hedged[finding.category]) for finding in main]
    normal: list[str] = []
    if "cardiomegaly" not in present:
        # A shifted mediastinum leaves the heart's size alone, not its contours.
        central = abs(patient.shift_mediastinum) < 0.02 and not present & _CROWDED
        normal.append(_pick(rng, phrases.NORMAL_HEART[0 if central else 1 :]))
    if not present & _CLOUDED and rng.random() < 0.8:
        normal.append(_pick(rng, phrases.CLEAR_LUNGS))
    first = rng.random() < 0.5
    sentences = [*body, *normal] if first else [*normal, *body]
    sentences += _denials(rng, present)
    sentences += [_sentence(rng, finding, hedged=False) for finding in extras]
    asides = _asides(rng, patient, present)
    sentences = [*asides, *sentences] if rng.random() < 0.5 else [*sentences, *asides]
    return PhantomReport(" ".join(sentences), _impression(rng, main, hedged))


def _impression(rng: np.random.Generator, main: list[Finding], hedged: dict[str, bool]) -> str:
    if not main:
        return _pick(rng, phrases.NORMAL_IMPRESSIONS)
    lines: list[str] = []
    for finding in main:
        phrase = _noun_phrase(rng, finding, plain=True).text
        lines.append(_capital(f"possible {phrase}" if hedged[finding.category] else phrase) + ".")
    if len(lines) > 1 and rng.random() < 0.5:
        lines = [f"{number}. {line}" for number, line in enumerate(lines, start=1)]
    return " ".join(lines)
