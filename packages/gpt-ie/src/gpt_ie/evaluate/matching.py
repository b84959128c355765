"""When a finding that was said is one of the gold, strictly and by roll-up. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from iki_knowledge import Finding, KnowledgeBase
from iki_knowledge.schema import Place

T = TypeVar("T")
POSITIVE = frozenset({"present", "uncertain"})


@dataclass(frozen=True, order=True, slots=True)
class Triplet:
    """The paper's {severity, location, category} (MedFILIP, eq. 1), location as side and region.

    What is not stated is the empty string, so that triplets can be ordered.
    """

    category: str
    severity: str = ""
    side: str = ""
    region: str = ""


def literal_positives(findings: Iterable[Finding]) -> list[Triplet]:
    """The different triplets of what is present or uncertain, as written, in order."""
    return list(
        dict.fromkeys(
            Triplet(f.category, f.severity or "", f.side or "", f.region or "")
            for f in findings
            if f.presence in POSITIVE
        )
    )


class Matcher:
    """The relations between categories and between triplets, by one dictionary."""

    def __init__(self, kb: KnowledgeBase) -> None:
        """Remember the dictionary.

        Args:
            kb: It gives the broader categories, the ranks of severity, and what lies inside what.
        """
        self._kb = kb
        self._above: dict[str, frozenset[str]] = {}
        self._agree: dict[tuple[Triplet, Triplet], bool] = {}

    def positives(
        self, findings: Iterable[Finding], severities: Mapping[str, str] | None = None
    ) -> list[Triplet]:
        """The different triplets of what is present or uncertain, as they are compared.

        A region that the category always has says nothing more than the category: where it is the
        only one that the dictionary gives (``spine`` of ``degenerative_spine``), it counts as not
        stated, on both sides of a comparison.

        Args:
            findings: Of one report.
            severities: A severity -> the one to take in its place.

        Returns:
            In order of first mention.
        """
        instead = severities or {}
        compared = (
            replace(
                triplet,
                severity=instead.get(triplet.severity, triplet.severity),
                region="" if self._implied(triplet) else triplet.region,
            )
            for triplet in literal_positives(findings)
        )
        return list(dict.fromkeys(compared))

    def _implied(self, triplet: Triplet) -> bool:
        known = triplet.category in self._kb
        return known and self._kb[triplet.category].regions == (triplet.region,)

    def related(self, one: str, two: str) -> bool:
        """Whether two categories are equal or one is an ancestor of the other."""
        return one == two or one in self.above(two) or two in self.above(one)

    def above(self, category: str) -> frozenset[str]:
        """The ancestors of a category; none where the dictionary does not know it."""
        if category not in self._above:
            known = category in self._kb
            self._above[category] = frozenset(self._kb.ancestors(category) if known else ())
        return self._above[category]

    def group(self, category: str) -> str:
        """The anatomy that a category belongs to; the empty string where it is not known."""
        return self._kb[category].group if category in self._kb else ""

    def same_severity(self, one: str, two: str) -> bool:
        """Whether two severities share a rank ("small" and "mild"); unstated equals unstated."""
        return self._rank(one) == self._rank(two)

    def compatible_place(self, one: Triplet, two: Triplet) -> bool:
        """Whether two places can be one: on no axis do both state what excludes the other.

        Sides must be equal where both are stated. Regions must be equal, or one lie inside the
        other (``lower_lobe`` in ``lower``), where both are stated.
        """
        if one.side and two.side and one.side != two.side:
            return False
        if not one.region or not two.region or one.region == two.region:
            return True
        if not {one.region, two.region} <= set(self._kb.vocabulary.regions):
            return False
        inner, outer = Place(region=one.region), Place(region=two.region)
        return self._kb.within(inner, outer) or self._kb.within(outer, inner)

    def relaxed(self, one: Triplet, two: Triplet) -> bool:
        """Whether two triplets agree when the place is relaxed.

        Categories are related, severities share a rank, and the places are compatible.
        """
        pair = (one, two)
        if pair not in self._agree:
            self._agree[pair] = (
                self.related(one.category, two.category)
                and self.same_severity(one.severity, two.severity)
                and self.compatible_place(one, two)
            )
        return self._agree[pair]

    def _rank(self, severity: str) -> int | str:
        known = self._kb.vocabulary.severities.get(severity)
        return severity if known is None else known.rank


def assign(gold: Sequence[T], said: Sequence[T], matches: Callable[[T, T], bool]) -> dict[int, int]:
    """The most pairs of gold and said, each used once (Kuhn's augmenting paths).

    Equal ones are paired first, so that they stay together where nothing is lost by it.

    Args:
        gold: Items of the gold.
        said: Items that were said.
        matches: Whether two may be paired.

    Returns:
        Index in `gold` -> index in `said`.
    """
    taken: dict[int, int] = {}
    for index, item in enumerate(gold):
        same = next((k for k, s in enumerate(said) if s == item and k not in taken), None)
        if same is not None:
            taken[same] = index
    for index in sorted(set(range(len(gold))) - set(taken.values())):
        _augment(index, gold, said, matches, taken, set())
    return {index: k for k, index in taken.items()}


def _augment(
    index: int,
    gold: Sequence[T],
    said: Sequence[T],
    matches: Callable[[T, T], bool],
    taken: dict[int, int],
    seen: set[int],
) -> bool:
    for k, item in enumerate(said):
        if k in seen or not matches(gold[index], item):
            continue
        seen.add(k)
        if k not in taken or _augment(taken[k], gold, said, matches, taken, seen):
            taken[k] = index
            return True
    return False
