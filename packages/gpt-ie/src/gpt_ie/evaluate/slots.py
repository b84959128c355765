"""How well the slots of a finding are read where its category was found. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from iki_knowledge import Finding

from gpt_ie.evaluate.matching import Matcher, Triplet, assign

SLOTS = ("severity", "side", "region")
_STRENGTH = ("absent", "uncertain", "present")


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """One slot over the pairs of gold and said findings of equal category.

    Attributes:
        right: Both state it, and equal.
        near: Both state it, not equal but compatible: severities of one rank, a region inside the
            other.
        wrong: Both state it, and otherwise.
        silent: The gold states it, what was said does not.
        extra: What was said states it, the gold does not.
        blank: Neither states it.
    """

    right: int
    near: int
    wrong: int
    silent: int
    extra: int
    blank: int

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return self.right + self.near + self.wrong + self.silent + self.extra + self.blank

    @property
    def accuracy(self) -> float | None:
        """Share of the pairs in which the slot is equal, unstated on both sides too."""
        return (self.right + self.blank) / self.pairs if self.pairs else None

    @property
    def stated_accuracy(self) -> float | None:
        """Share of those the gold states that were said equally."""
        stated = self.right + self.near + self.wrong + self.silent
        return self.right / stated if stated else None


def pair_within_categories(
    gold: Sequence[Triplet], said: Sequence[Triplet]
) -> list[tuple[Triplet, Triplet]]:
    """Pair findings of equal category so that the most slots agree, each used once.

    Args:
        gold: Different triplets of one report.
        said: Different triplets of the same report.

    Returns:
        The pairs; equal ones first, then those that agree in two slots, in one, in none.
    """
    pairs: list[tuple[Triplet, Triplet]] = []
    left, right = list(gold), list(said)
    for least in range(len(SLOTS), -1, -1):
        found = assign(left, right, lambda a, b, least=least: _agreement(a, b) >= least)
        pairs += [(left[i], right[k]) for i, k in found.items()]
        used = set(found.values())
        left = [item for i, item in enumerate(left) if i not in found]
        right = [item for k, item in enumerate(right) if k not in used]
    return pairs


def _agreement(one: Triplet, two: Triplet) -> int:
    """Number of equal slots; -1 for different categories."""
    if one.category != two.category:
        return -1
    return sum(getattr(one, slot) == getattr(two, slot) for slot in SLOTS)


def slot_kinds(gold: Triplet, said: Triplet, matcher: Matcher) -> Mapping[str, str]:
    """What became of each slot of a pair: the name of a field of `SlotCounts`."""
    return {slot: _kind(slot, gold, said, matcher) for slot in SLOTS}


def _kind(slot: str, gold: Triplet, said: Triplet, matcher: Matcher) -> str:
    wanted, given = getattr(gold, slot), getattr(said, slot)
    if wanted == given:
        return "right" if wanted else "blank"
    if not wanted or not given:
        return "silent" if wanted else "extra"
    if slot == "severity":
        return "near" if matcher.same_severity(wanted, given) else "wrong"
    if slot == "region":
        places = (Triplet("", region=wanted), Triplet("", region=given))
        return "near" if matcher.compatible_place(*places) else "wrong"
    return "wrong"


def slot_counts(kinds: Counter[tuple[str, str]]) -> dict[str, SlotCounts]:
    """The counts of each slot from (slot, kind) pairs."""
    fields = SlotCounts.__dataclass_fields__
    return {slot: SlotCounts(**{name: kinds[slot, name] for name in fields}) for slot in SLOTS}


def presences(findings: Iterable[Finding]) -> dict[str, str]:
    """Category -> the strongest presence said of it: present before uncertain before absent."""
    strongest: dict[str, str] = {}
    for finding in findings:
        known = strongest.get(finding.category, _STRENGTH[0])
        strongest[finding.category] = max(known, finding.presence, key=_STRENGTH.index)
    return strongest
