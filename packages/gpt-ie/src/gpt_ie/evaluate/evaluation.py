"""What an evaluation holds. Data shapes, no arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass

from gpt_ie.evaluate.metrics import Estimate, Scored
from gpt_ie.evaluate.slots import SlotCounts

# The row and column of the confusion for what has no counterpart.
NOTHING = ""


@dataclass(frozen=True, slots=True)
class NormalReports:
    """What was said of the reports that the gold calls normal.

    Attributes:
        reports: Number of them.
        with_findings: Reports in which something positive was said.
        findings: Positive findings said, the same triplet once a report.
        rate: Findings a report.
        by_category: Category -> findings, falling.
    """

    reports: int
    with_findings: int
    findings: int
    rate: Estimate
    by_category: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Findings that the report does not bear, all presences.

    Attributes:
        findings: Findings of the scored reports.
        unsupported: Those flagged, or without evidence.
        by_reason: Reason -> number.
    """

    findings: int
    unsupported: int
    by_reason: Mapping[str, int]

    @property
    def rate(self) -> float | None:
        """Share of the findings; None when there is none."""
        return self.unsupported / self.findings if self.findings else None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a comparison found. Every figure that is not defined is None.

    Positive is what is present or uncertain; within a report the same thing counts once. A region
    that the category always has counts as not stated, and severities are compared by the words
    that the gold has (`Gold.severities`).

    Attributes:
        gold: Name of the gold.
        engines: Names of what made the predictions.
        knowledge: Version of the dictionary that related the categories.
        reports: Reports of the gold, all of which are scored.
        missing: Reports of the gold that have no prediction; they count as said to show nothing.
        extra: Predictions for reports that the gold does not have; not scored.
        out_of_scope: Category -> positive findings that the gold could not have stated; not scored.
        unread: Statements of the gold that name no category; not scored.
        category: Micro-averaged presence of categories that are equal.
        category_relaxed: Equal, or one an ancestor of the other; each used once.
        triplet: Category, severity, side and region all equal, unstated equal to unstated only.
        triplet_literal: The same as both wrote it, without the two conventions above.
        triplet_relaxed: Categories related, severities of one rank, side and region compatible
            (equal, inside one another, or not stated on one side); each used once.
        by_category: Category -> presence of exactly that category, by positives of the gold.
        macro_f1: Mean F1 of the categories with ten positives or more.
        macro_categories: Number of those.
        slots: Severity, side and region on pairs of equal category.
        presence: Where the gold lists denied findings: (gold's, said) presence -> categories that
            both name; else None.
        normal: The reports that the gold calls normal.
        unsupported: Findings that their report does not bear.
        confusion: (Gold category, said category) -> reports; `NOTHING` where there is no
            counterpart. What is left over on both sides is paired where related, then where of one
            anatomical group.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """

    gold: str
    engines: tuple[str, ...]
    knowledge: str
    reports: int
    missing: int
    extra: int
    out_of_scope: Mapping[str, int]
    unread: Mapping[str, int]
    category: Scored
    category_relaxed: Scored
    triplet: Scored
    triplet_literal: Scored
    triplet_relaxed: Scored
    by_category: Mapping[str, Scored]
    macro_f1: float | None
    macro_categories: int
    slots: Mapping[str, SlotCounts]
    presence: Mapping[tuple[str, str], int] | None
    normal: NormalReports
    unsupported: Unsupported
    confusion: Mapping[tuple[str, str], int]
    resamples: int
    seed: int
