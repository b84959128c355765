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
    for index, other in enumerate(merged):
        if _compatible(other, finding):
            united = _unite(other, finding)
            # What was added may have made it compatible with one that it was not before.
            del merged[index]
            if united == other:
                merged.insert(index, other)
                return
            rest = [item for item in merged if _compatible(item, united)]
            if not rest:
                merged.insert(index, united)
                return
            for item in rest:
                united = _unite(item, united)
                merged.remove(item)
            merged.insert(min(index, len(merged)), united)
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
