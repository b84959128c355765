"""What ``ssm inspect`` says of a bank: lines for a person, a record for a program. Pure.

Measurements come by stage: ``cosine``, and ``calibrated`` where the bank has a calibration.
"""

import dataclasses
from collections.abc import Mapping

from ssm.bank import LabelBank
from ssm.errors import shorten
from ssm.groups import GroupSpread
from ssm.spread import Spread


def spread_lines(bank: LabelBank, spreads: Mapping[str, Spread]) -> list[str]:
    """The spread at each stage, and the nearest and farthest pairs of the last one."""
    method = bank.calibration.method
    stage, last = list(spreads.items())[-1]
    used = "" if method == "none" else f", calibration {method}"
    lines = [f"{len(bank)} texts, encoder {bank.encoder_name}, {last.pairs} pairs{used}"]
    for name, spread in spreads.items():
        levels = "  ".join(f"{q} % {value:z.3f}" for q, value in spread.percentiles.items())
        lines.append(f"{name}: mean {spread.mean:z.3f}  {levels}")
    for title, pairs in (("nearest", last.nearest), ("farthest", last.farthest)):
        lines += ["", title if stage == "cosine" else f"{title}, {stage}"]
        for pair in pairs:
            names = f"{shorten(bank.texts[pair.first])}  {shorten(bank.texts[pair.second])}"
            lines.append(f"  {pair.similarity:z6.3f}  {names}")
    return lines


def group_lines(measured: Mapping[str, GroupSpread], column: str) -> list[str]:
    """Similarities within and between groups at each stage, and each group at the last one."""
    last = list(measured.values())[-1]
    lines = ["", f"by {column}: {len(last.groups)} groups, pairs of {last.sampled} texts"]
    lines.append(f"{'':20}{'mean':>8}{'5 %':>8}{'50 %':>8}{'95 %':>8}{'≤ 0':>8}")
    for stage, found in measured.items():
        for kind, band in (("within", found.within), ("between", found.between)):
            levels = "".join(f"{value:z8.3f}" for value in (band.mean, *band.percentiles.values()))
            lines.append(f"{f'{stage} {kind}':20}{levels}{band.clamped:8.0%}")
        lines.append(f"{stage} gap {found.gap:.2f} standard deviations, AUC {found.auc:.3f}")
    width = max(len(column), *(len(group.name) for group in last.groups))
    lines += ["", f"{column:{width}}   texts  within  most similar other"]
    for group in last.groups:
        within = "—" if group.within is None else f"{group.within:z.3f}"
        other = "" if group.between is None else f"{group.between:z6.3f} {group.nearest}"
        lines.append(f"{group.name:{width}}{group.texts:8}{within:>8}  {other}".rstrip())
    return lines


def record(
    bank: LabelBank,
    spreads: Mapping[str, Spread],
    groups: Mapping[str, GroupSpread],
    column: str | None,
) -> dict[str, object]:
    """All of it, fit for JSON."""
    found: dict[str, object] = {
        "encoder": bank.encoder_name,
        "fingerprint": bank.fingerprint,
        "calibration": bank.calibration.settings(),
        "texts": len(bank),
    }
    found |= {stage: dataclasses.asdict(spread) for stage, spread in spreads.items()}
    if groups:
        measured = {stage: dataclasses.asdict(group) for stage, group in groups.items()}
        found["groups"] = {"column": column} | measured
    return found
