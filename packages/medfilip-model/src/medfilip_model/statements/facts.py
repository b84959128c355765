"""What findings say of an image, category by category: there, how severe, on which sides; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iki_knowledge import Finding, KnowledgeBase
from iki_knowledge.finding import Side

SIDES: Mapping[Side, frozenset[Side]] = {
    "left": frozenset({"left"}),
    "right": frozenset({"right"}),
    "bilateral": frozenset({"left", "right"}),
}
"""The halves of the chest that a side means."""


@dataclass(frozen=True)
class Fact:
    """A category that is there.

    Attributes:
        rank: Rank of its severity; None where none is stated.
        halves: ``left``, ``right`` or both; None where no side is stated.
    """

    rank: int | None
    halves: frozenset[Side] | None


Facts = Mapping[str, Fact]


def facts(findings: Sequence[Finding], kb: KnowledgeBase) -> Facts:
    """Gather findings that are not denied by category.

    Args:
        findings: Of one image; several of one category are taken together: all their sides, and
            the highest severity.
        kb: Dictionary, for the ranks of severities.
    """
    found: dict[str, Fact] = {}
    for finding in findings:
        if finding.presence == "absent":
            continue
        new = Fact(rank_of(finding.severity, kb), None if finding.side is None else halves(finding))
        old = found.get(finding.category, new)
        ranks = [rank for rank in (old.rank, new.rank) if rank is not None]
        sides = [side for side in (old.halves, new.halves) if side is not None]
        found[finding.category] = Fact(
            max(ranks, default=None), frozenset[Side]().union(*sides) if sides else None
        )
    return found


def halves(finding: Finding) -> frozenset[Side]:
    """The halves of the chest that a finding's side means; both where none is stated."""
    return SIDES[finding.side or "bilateral"]


def rank_of(severity: str | None, kb: KnowledgeBase) -> int | None:
    """The rank of a severity, 1 trace to 4 large or severe; None for none or an unknown word."""
    known = kb.vocabulary.severities
    return known[severity].rank if severity is not None and severity in known else None


def words_of(category: str, kb: KnowledgeBase) -> dict[int, str]:
    """The dictionary's first word for each severity of a category: rank -> word."""
    words: dict[int, str] = {}
    for word in kb[category].severities:
        words.setdefault(kb.vocabulary.severities[word].rank, word)
    return dict(sorted(words.items()))
