"""Findings by report id, joined to images: what has no partner is counted and named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from iki_knowledge import Finding

from medfilip_model.errors import DataError


@dataclass(frozen=True)
class Joined:
    """Findings in the order of the images, and what has no partner.

    Attributes:
        findings: Of each image; None where no report tells.
        unmatched: ``images without report`` and ``reports without image`` -> ids.
    """

    findings: tuple[tuple[Finding, ...] | None, ...]
    unmatched: Mapping[str, tuple[str, ...]]


def join(
    wanted: Sequence[str],
    findings: Mapping[str, tuple[Finding, ...]],
    *,
    name: Callable[[str], str] = str,
    what: str = "images",
) -> Joined:
    """Give each image the findings of its report.

    Args:
        wanted: The report id that each image asks for; several images may share one.
        findings: Report id -> findings.
        name: Brings an id of either side to one form.
        what: What the ids of `wanted` are called in an error.

    Returns:
        The findings of each image.

    Raises:
        DataError: Not one report id fits; or two ids of the file are the same report.
    """
    reports: dict[str, tuple[str, tuple[Finding, ...]]] = {}
    for report_id, found in findings.items():
        key = name(report_id)
        if key in reports:
            raise DataError(
                f"the findings file has {reports[key][0]!r} and {report_id!r}, "
                "which are one report: keep one of them"
            )
        reports[key] = (report_id, found)
    keys = [name(own) for own in wanted]
    asked = set(keys)
    if not asked & reports.keys():
        raise DataError(
            f"no report_id of the findings file fits the {what}: the file has "
            f"{_example(findings)}, the {what} are called {_example(wanted)}"
        )
    missing = dict.fromkeys(
        own for own, key in zip(wanted, keys, strict=True) if key not in reports
    )
    return Joined(
        findings=tuple(reports[key][1] if key in reports else None for key in keys),
        unmatched={
            f"{what} without report": tuple(missing),
            f"reports without {what}": tuple(
                report_id for key, (report_id, _) in reports.items() if key not in asked
            ),
        },
    )


def _example(ids: Sequence[str] | Mapping[str, object]) -> str:
    some = list(dict.fromkeys(ids))
    return ", ".join(map(repr, some[:2])) + (" …" if len(some) > 2 else "") or "none"
