"""Judge what is stated of an image by what a model reads in it; pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from iki_knowledge import Finding, KnowledgeBase
from iki_knowledge.finding import Side
from scipy.special import expit

from medfilip_model.statements.evidence import HALVES, Reading
from medfilip_model.statements.facts import Fact, Facts, facts, halves, rank_of, words_of
from medfilip_model.statements.fit import StatementFit
from medfilip_model.statements.suspicion import LEFT_OUT, WRONG, suspicion
from medfilip_model.statements.verdict import Judgement, Omission, Slot, SlotJudgement, Verdict

DECISIVE = math.log(3)
"""Evidence from which a statement is supported or contradicted: three to one."""
# A category that is not stated is told of when it is likelier there than not, ...
_LIKELY = 0.5
# ... and not more of them than a reader looks through.
_MOST = 5


@dataclass(frozen=True)
class Judged:
    """What an image says of all that is stated of it.

    Attributes:
        judgements: One for each statement, in their order.
        omissions: What it shows and nobody states, the most telling first.
        doubts: How much the worst statement of each kind is doubted, whatever the verdicts: the
            evidence against a ``presence``, a ``denial``, a ``side``, a ``severity``, and for an
            ``omission``; a kind that is not there is missing.
        score: How much the image speaks for a mistake anywhere: the doubts of all statements and of
            all categories left unsaid, pooled by `medfilip_model.statements.suspicion`; those of
            sides and severities only where the finding itself is not contradicted.
    """

    judgements: tuple[Judgement, ...]
    omissions: tuple[Omission, ...]
    doubts: Mapping[str, float] = field(default_factory=dict[str, float])
    score: float = 0.0


def judge(
    fit: StatementFit | None,
    reading: Reading | None,
    stated: Sequence[Finding],
    kb: KnowledgeBase,
    others: Mapping[str, float] | None = None,
) -> Judged:
    """Judge the statements about one image.

    Args:
        fit: How findings show in the model's readings; None: only `others` are known.
        reading: What the model reads in the image, as the fit asks.
        stated: The findings that are stated of it.
        kb: Dictionary.
        others: Evidence for the presence of categories that the fit does not know, each read by
            itself: natural logarithms.

    Returns:
        The verdicts.
    """
    court = _Court(fit, reading, kb, facts(stated, kb), others or {})
    judgements = tuple(court.judgement(finding) for finding in stated)
    omissions, unsaid = court.omissions(stated)
    doubts = _doubts(judgements)
    if unsaid:
        doubts["omission"] = max(evidence for evidence, _ in unsaid)
    counting = [
        (-slot.evidence, WRONG)
        for one in judgements
        for slot in one.slots
        if slot.evidence is not None and (slot.slot == "presence" or not _absent(one))
    ]
    left_out = [(evidence, base + LEFT_OUT) for evidence, base in unsaid]
    return Judged(judgements, omissions, doubts, suspicion([*counting, *left_out]))


@dataclass(frozen=True)
class _Court:
    fit: StatementFit | None
    reading: Reading | None
    kb: KnowledgeBase
    known: Facts
    others: Mapping[str, float]

    def judgement(self, finding: Finding) -> Judgement:
        asked = self._asked(finding.category)
        denied_half = finding.presence == "absent" and finding.side in HALVES
        evidence = self._on_half(asked, finding) if denied_half else self._presence(asked)
        presence = self._presence_slot(finding, asked, evidence)
        slots = [presence]
        if finding.presence != "absent":
            sure = presence.verdict != "contradicted"
            slots += [
                slot if sure else _withheld(slot)
                for slot in (self._side_slot(finding), self._severity_slot(finding))
                if slot is not None
            ]
        verdict: Verdict = presence.verdict
        if any(slot.verdict == "contradicted" for slot in slots):
            verdict = "contradicted"
        own = asked if asked == finding.category and not denied_half else None
        return Judgement(finding, verdict, tuple(slots), self._probability(own, evidence))

    def omissions(
        self, stated: Sequence[Finding]
    ) -> tuple[tuple[Omission, ...], list[tuple[float, float]]]:
        """The categories that best explain what the statements leave unexplained, one by one.

        With them the evidence for each category left unsaid, beside the statements alone, and its
        log-odds before.
        """
        if self.fit is None or self.reading is None:
            return (), []
        known = dict(self.known)
        # What is denied on one side only may be on the other.
        named = {f.category for f in stated if f.presence != "absent" or f.side not in HALVES}
        found: list[Omission] = []
        unsaid: list[tuple[float, float]] = []
        while len(found) < _MOST and (free := self._free(named, known)):
            evidence = self.fit.model.presence(self.reading, known, free)
            scaled = {name: self.fit.presence * value for name, value in evidence.items()}
            best = max(free, key=lambda name: scaled[name])
            unsaid = unsaid or [(scaled[name], self.fit.base(name)) for name in free]
            probability = float(expit(scaled[best] + self.fit.base(best)))
            if scaled[best] < DECISIVE or probability < _LIKELY:
                break
            side = self._likeliest_side(known, best)
            found.append(Omission(best, probability, scaled[best], side))
            known[best] = Fact(None, None if side is None else halves(_at(best, side)))
            named.add(best)
        return tuple(found), unsaid

    def _free(self, named: set[str], known: Facts) -> list[str]:
        """Categories of the fit of which nothing is said.

        Neither they nor a broader one are named, and no narrower one is affirmed.
        """
        assert self.fit is not None
        broader = {broad for name in named & {*known} for broad in self.kb.ancestors(name)}
        return [
            name
            for name in self.fit.model.categories
            if name not in broader and not named & {name, *self.kb.ancestors(name)}
        ]

    def _asked(self, category: str) -> str | None:
        """The category itself where it can be judged, else the next broader one that can."""
        able: set[str] = set(self.others)
        if self.fit is not None:
            able |= {*self.fit.model.categories}
        return next((n for n in (category, *self.kb.ancestors(category)) if n in able), None)

    def _presence(self, category: str | None) -> float | None:
        if category is None:
            return None
        if self.fit is None or self.reading is None or category not in self.fit.positives:
            return self.others.get(category)
        found = self.fit.model.presence(self.reading, self.known, [category])
        return self.fit.presence * found[category]

    def _on_half(self, category: str | None, finding: Finding) -> float | None:
        """Evidence that a category is on the half that a finding names."""
        if self.fit is None or self.reading is None or category is None:
            return None
        found = self.fit.model.halves(self.reading, self.known, category)
        on = [found[half] for half in HALVES if half == finding.side and found]
        return self.fit.side * on[0] if on else None

    def _probability(self, category: str | None, evidence: float | None) -> float | None:
        if self.fit is None or category is None or evidence is None:
            return None
        if category not in self.fit.positives:
            return None
        return float(expit(evidence + self.fit.base(category)))

    def _presence_slot(
        self, finding: Finding, asked: str | None, evidence: float | None
    ) -> SlotJudgement:
        image = None
        if evidence is not None and abs(evidence) >= DECISIVE:
            image = "present" if evidence > 0 else "absent"
        denied = finding.presence == "absent"
        own = evidence if evidence is None or not denied else -evidence
        verdict = _verdict(own)
        if asked != finding.category and evidence is not None and evidence > 0:
            # The image shows the broader category: whether it is this kind of it stays open, and
            # nothing speaks against a denial of this kind.
            verdict, own = "undecided", None if denied else own
        return SlotJudgement("presence", finding.presence, image, own, verdict)

    def _side_slot(self, finding: Finding) -> SlotJudgement | None:
        if finding.side is None:
            return None
        said = self.known[finding.category].halves or frozenset()
        if len(said) > len(halves(finding)):
            # The other side is stated by a statement of its own.
            return _half_slot(finding.side, self._on_half(finding.category, finding))
        found: dict[Side, float] = {}
        if self.fit is not None and self.reading is not None:
            found = self.fit.model.sides(self.reading, self.known, finding.category)
        scale = 1.0 if self.fit is None else self.fit.side
        return _choice("side", finding.side, {side: scale * v for side, v in found.items()})

    def _severity_slot(self, finding: Finding) -> SlotJudgement | None:
        rank = rank_of(finding.severity, self.kb)
        if rank is None:
            return None
        words = words_of(finding.category, self.kb)
        # A word that the dictionary has not for this category is judged as the grade that it means.
        words[rank] = finding.severity or words[rank]
        found: dict[int, float] = {}
        if self.fit is not None and self.reading is not None:
            found = self.fit.model.severities(
                self.reading, self.known, finding.category, list(words)
            )
        scale = 1.0 if self.fit is None else self.fit.severity
        return _choice(
            "severity", words[rank], {words[r]: scale * value for r, value in found.items()}
        )

    def _likeliest_side(self, known: Facts, category: str) -> Side | None:
        assert self.fit is not None
        assert self.reading is not None
        found = self.fit.model.sides(self.reading, known, category)
        return max(found, key=lambda side: found[side]) if found else None


def _half_slot(stated: Side, evidence: float | None) -> SlotJudgement:
    """Judge one side of a category that is stated on both, each by itself."""
    verdict = _verdict(evidence)
    image = {"supported": stated, "contradicted": "left" if stated == "right" else "right"}
    return SlotJudgement("side", stated, image.get(verdict), evidence, verdict)


def _choice(slot: Slot, stated: str, likelihoods: Mapping[str, float]) -> SlotJudgement:
    """Judge one of several values that exclude each other, each as likely before."""
    rest = [value for name, value in likelihoods.items() if name != stated]
    if stated not in likelihoods or not rest:
        return SlotJudgement(slot, stated, None, None, "undecided")
    evidence = likelihoods[stated] - float(np.logaddexp.reduce(rest)) + math.log(len(rest))
    image = None
    if abs(evidence) >= DECISIVE:
        image = max(likelihoods, key=lambda name: likelihoods[name])
    return SlotJudgement(slot, stated, image, evidence, _verdict(evidence))


def _verdict(evidence: float | None) -> Verdict:
    if evidence is None or abs(evidence) < DECISIVE:
        return "undecided"
    return "supported" if evidence > 0 else "contradicted"


def _withheld(slot: SlotJudgement) -> SlotJudgement:
    """Of what the image does not show, neither side nor severity is judged."""
    return SlotJudgement(slot.slot, slot.stated, None, slot.evidence, "undecided")


def _absent(one: Judgement) -> bool:
    return one.slots[0].verdict == "contradicted"


def _doubts(judgements: Sequence[Judgement]) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in judgements:
        for slot in one.slots:
            kind = "denial" if slot.stated == "absent" else slot.slot
            if slot.evidence is not None:
                found[kind] = max(found.get(kind, -math.inf), -slot.evidence)
    return found


def _at(category: str, side: Side) -> Finding:
    return Finding(category=category, side=side)
