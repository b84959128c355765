"""Findings that one report repeats, put together. Pure."""

from collections.abc import Iterable

from gpt_ie.schema import ExtractedFinding

_SLOTS = ("severity", "side", "region", "trend")


def merge(findings: Iterable[ExtractedFinding]) -> tuple[ExtractedFinding, ...]:
    """Merge repeated findings of a report.

    Two findings are the same when category and presence are equal and no slot that both state
    differs. The merged finding has the slots of both, stands where the first stood, and keeps the
    surface and evidence of the one that states more (the first of equals).

    Args:
        findings: In the order of the report.

    Returns:
        No two of them mergeable; merging again changes nothing.
    """
    merged: list[ExtractedFinding] = []
    for finding in findings:
        _place(merged, finding)
    return tuple(merged)


def _place(merged: list[ExtractedFinding], finding: ExtractedFinding) -> None:
    """Put a finding to the first that it fits; the union fits no other, for the first did not."""
    for index, other in enumerate(merged):
        if _compatible(other, finding):
            merged[index] = _unite(other, finding)
            return
    merged.append(finding)


def _compatible(one: ExtractedFinding, two: ExtractedFinding) -> bool:
    if one.category != two.category or one.presence != two.presence:
        return False
    return all(
        None in (mine, other) or mine == other
        for mine, other in ((getattr(one, slot), getattr(two, slot)) for slot in _SLOTS)
    )


def _unite(one: ExtractedFinding, two: ExtractedFinding) -> ExtractedFinding:
    fuller = two if _stated(two) > _stated(one) else one
    slots = {slot: getattr(one, slot) or getattr(two, slot) for slot in _SLOTS}
    return fuller.model_copy(update=slots)


def _stated(finding: ExtractedFinding) -> int:
    return sum(getattr(finding, slot) is not None for slot in _SLOTS)
