"""What an image says of stated findings: the shapes of the answer."""

from dataclasses import dataclass
from typing import Literal

from iki_knowledge import Finding
from iki_knowledge.finding import Side

Verdict = Literal["supported", "contradicted", "undecided"]
"""Undecided: the image speaks neither way strongly enough, or the model cannot tell."""
Slot = Literal["presence", "side", "severity"]


@dataclass(frozen=True)
class SlotJudgement:
    """One thing that is stated of a finding, against the image.

    Attributes:
        slot: What is stated: that it is there (or not), on which side, how severe it is.
        stated: As stated: ``"present"``, ``"absent"``, ``"uncertain"``, ``"left"``, ``"large"``.
        image: What the image shows rather, in the same words; None where it is undecided.
        evidence: Natural logarithm of how much likelier the image is if what is stated holds than
            if it does not: above 0 speaks for it; None where the model cannot tell at all.
        verdict: What follows.
    """

    slot: Slot
    stated: str
    image: str | None
    evidence: float | None
    verdict: Verdict


@dataclass(frozen=True)
class Judgement:
    """One stated finding, against the image.

    Attributes:
        finding: As stated.
        verdict: ``contradicted`` where any slot is; else that of the presence.
        slots: Presence first; then side and severity where they are stated and the finding is not
            denied.
        probability: That the image shows the category, among images like those of the fit.
    """

    finding: Finding
    verdict: Verdict
    slots: tuple[SlotJudgement, ...]
    probability: float | None

    @property
    def against(self) -> SlotJudgement | None:
        """The slot that speaks most against the finding; None where none is contradicted."""
        contradicted = [slot for slot in self.slots if slot.verdict == "contradicted"]
        return min(contradicted, key=lambda slot: slot.evidence or 0.0, default=None)


@dataclass(frozen=True)
class Omission:
    """A category that the image shows and that is not stated, itself, broader or narrower.

    Attributes:
        category: Dictionary id.
        probability: That the image shows it, among images like those of the fit.
        evidence: Natural logarithm of how much likelier the image is with it than without.
        side: Where the image shows it; None where the model cannot tell.
    """

    category: str
    probability: float
    evidence: float
    side: Side | None
