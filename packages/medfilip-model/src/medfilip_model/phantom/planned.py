"""What can be drawn: findings with severity, side, region, and what they do to the anatomy."""

from dataclasses import dataclass, replace

import numpy as np
from iki_knowledge import Finding

from medfilip_model.phantom.anatomy import LEFT, RIGHT, SIGN
from medfilip_model.phantom.config import PhantomConfig
from medfilip_model.phantom.patient import Patient

_GRADES = ("mild", "moderate", "severe")
SEVERITIES: dict[str, tuple[str | None, ...]] = {
    "lung_opacity": _GRADES,
    "consolidation": _GRADES,
    "pneumonia": _GRADES,
    "atelectasis": _GRADES,
    "pleural_effusion": ("trace", "small", "moderate", "large"),
    "pneumothorax": ("small", "moderate", "large"),
    "cardiomegaly": _GRADES,
    "pulmonary_edema": _GRADES,
    # A report names a nodule's size at the ends of the scale only.
    "nodule": ("small", None, "large"),
    "covid19": _GRADES,
}
"""Severities of each class, weakest first; they divide the strength 0-1 into equal bands."""

_LOBES = {
    "right": ("upper_lobe", "middle_lobe", "lower_lobe"),
    "left": ("upper_lobe", "lingula", "lower_lobe"),
}
_ZONES = ("upper", "mid", "lower")


@dataclass(frozen=True)
class Planned:
    """A finding to draw.

    Attributes:
        finding: What the truth says.
        strength: 0 to 1 over all severities of the category.
        stream: Number of the random stream that draws its details.
        port: Whether a central line starts at a port under the skin.
    """

    finding: Finding
    strength: float
    stream: int
    port: bool = False

    @property
    def sides(self) -> tuple[int, ...]:
        """Hemithoraces that it touches."""
        if self.finding.side == "bilateral" or self.finding.side is None:
            return (RIGHT, LEFT)
        return (LEFT,) if self.finding.side == "left" else (RIGHT,)


def _place(
    rng: np.random.Generator, category: str, strength: float
) -> tuple[str | None, str | None]:
    """(side, region) of a finding."""
    side = "left" if rng.random() < 0.5 else "right"
    both = rng.random() < 0.22
    region: str | None = None
    if category in ("consolidation", "pneumonia"):
        region = str(rng.choice(_LOBES[side]))
    elif category == "lung_opacity":
        region = str(rng.choice((*_ZONES, "perihilar", "base")))
    elif category == "nodule":
        region = str(rng.choice(_ZONES))
    elif category == "atelectasis":
        side, region = ("bilateral" if both else side), "base"
    elif category == "pleural_effusion":
        side = "bilateral" if both else side
        region = "costophrenic_angle" if strength < 0.25 else "base" if strength < 0.75 else None
    elif category == "pneumothorax":
        region = "apex" if strength < 1 / 3 else None
    elif category == "pulmonary_edema":
        side, region = "bilateral", "diffuse" if strength >= 2 / 3 else "perihilar"
    elif category == "covid19":
        side, region = "bilateral", "peripheral"
    else:
        side = None
    return side, region


def draw_finding(
    rng: np.random.Generator, category: str, config: PhantomConfig, stream: int
) -> Planned:
    """A finding of a category: strength, place and trend by chance."""
    levels = SEVERITIES[category]
    strength = float(rng.random())
    side, region = _place(rng, category, strength)
    trend = None
    if rng.random() < config.trend_share:
        trend = str(rng.choice(("new", "stable", "improved", "worsened")))
    finding = Finding.model_validate(
        {
            "category": category,
            "severity": levels[int(strength * len(levels))],
            "side": side,
            "region": region,
            "trend": trend,
        }
    )
    return Planned(finding, strength, stream)


def draw_incidental(rng: np.random.Generator, stream: int) -> Planned:
    """A granuloma, a pacemaker or a central line."""
    side = "left" if rng.random() < 0.5 else "right"
    if rng.random() < 0.5:
        region = str(rng.choice(_ZONES))
        finding = Finding.model_validate({"category": "granuloma", "side": side, "region": region})
        return Planned(finding, 0.5, stream)
    if rng.random() < 0.4:
        finding = Finding(category="pacemaker", side="left")
        return Planned(finding, 0.5, stream)
    port = bool(rng.random() < 0.5)
    finding = Finding.model_validate(
        {"category": "central_line", "side": side if port else "right"}
    )
    return Planned(finding, 0.5, stream, port)


def deform(patient: Patient, planned: tuple[Planned, ...]) -> Patient:
    """The patient with what the findings do to heart, diaphragm, mediastinum and vessels."""
    ctr, shift = patient.ctr, patient.shift_mediastinum
    lift, redistribution = list(patient.lift), patient.redistribution
    for item in planned:
        category, strength = item.finding.category, item.strength
        away = -SIGN[item.sides[0]] if len(item.sides) == 1 else 0.0
        if category == "cardiomegaly":
            ctr = 0.54 + 0.16 * strength
        elif category == "pleural_effusion":
            shift += away * 0.3 * max(strength - 0.7, 0)
        elif category == "pneumothorax":
            shift += away * 0.22 * max(strength - 0.6, 0)
        elif category == "atelectasis":
            shift -= away * 0.03 * strength
            for side in item.sides:
                lift[side] += 0.015 + 0.085 * strength
        elif category == "pulmonary_edema":
            redistribution = 0.3 + 0.7 * strength
    return replace(
        patient,
        ctr=ctr,
        shift_mediastinum=shift,
        lift=(lift[0], lift[1]),
        redistribution=redistribution,
    )
