"""Which findings an image gets: severity, side, region, and which of them can stand together."""

from dataclasses import dataclass, replace

import numpy as np
from iki_knowledge import Finding

from medfilip_model.phantom.anatomy import LEFT, RIGHT, SIGN
from medfilip_model.phantom.config import UNSEEN_CATEGORIES, PhantomConfig
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
_ZONE_OF = {
    "upper": "upper",
    "upper_lobe": "upper",
    "apex": "upper",
    "mid": "mid",
    "middle_lobe": "mid",
    "lingula": "mid",
    "perihilar": "mid",
    "lower": "lower",
    "lower_lobe": "lower",
    "base": "lower",
    "costophrenic_angle": "lower",
}
_COUNT_WEIGHTS = (0.52, 0.30, 0.13, 0.05)
_COMPANIONS = {
    "pulmonary_edema": ("cardiomegaly", "pleural_effusion"),
    "cardiomegaly": ("pulmonary_edema", "pleural_effusion"),
    "pleural_effusion": ("atelectasis", "pulmonary_edema"),
    "pneumonia": ("pleural_effusion",),
}
"""Findings seen together twice as often as by chance (heart failure, parapneumonic effusion)."""

_FOCAL = ("lung_opacity", "consolidation", "pneumonia", "nodule", "atelectasis", "granuloma")
_DEVICES = ("pacemaker", "central_line")
_DIFFUSE = ("covid19", "pulmonary_edema")
_UNDER_HAZE = (*_DIFFUSE, "lung_opacity", "pneumonia", "consolidation", "nodule", "granuloma")


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


def compatible(a: Planned, b: Planned) -> bool:
    """Whether two findings can be drawn, told apart and be true together."""
    kinds = {a.finding.category, b.finding.category}
    if len(kinds) == 1:
        return False
    if kinds & set(_DEVICES):
        return True
    shared = set(a.sides) & set(b.sides)
    if "pneumothorax" in kinds and "cardiomegaly" not in kinds and shared:
        return False
    if kinds & set(_DIFFUSE) and kinds <= set(_UNDER_HAZE):
        return False
    if kinds == {"pleural_effusion", "cardiomegaly"}:
        # A large effusion on the left hides the border that the heart's size is read from.
        fluid = a if a.finding.category == "pleural_effusion" else b
        return fluid.strength < 0.7 or LEFT not in fluid.sides
    if not shared or kinds & {"cardiomegaly", "pulmonary_edema", "covid19"}:
        return True
    zones = {_ZONE_OF.get(p.finding.region or "", "") for p in (a, b)}
    if len(kinds & set(_FOCAL)) == 2:
        return len(zones) == 2
    effusion = a if a.finding.category == "pleural_effusion" else b
    if effusion.finding.category == "pleural_effusion" and effusion.strength > 0.4:
        # A larger effusion hides what lies at the base.
        other = b if effusion is a else a
        zone = _ZONE_OF.get(other.finding.region or "", "")
        return zone == "upper" or (zone == "mid" and effusion.strength < 0.75)
    return True


def plan_findings(rng: np.random.Generator, config: PhantomConfig) -> tuple[Planned, ...]:
    """Classes first, in the order drawn, then incidental findings."""
    planned: list[Planned] = []
    forced = rng.random() < config.unseen_share
    normal = rng.random() < config.normal_share
    count = 1 + int(rng.choice(len(_COUNT_WEIGHTS), p=_COUNT_WEIGHTS))
    if forced:
        unseen = str(rng.choice(UNSEEN_CATEGORIES))
        planned.append(draw_finding(rng, unseen, config, 0))
        count = min(count, 2)
    elif normal:
        count = 0
    names = list(config.classes)
    tries = 0
    while len(planned) < min(count, config.max_findings) and tries < 24:
        tries += 1
        weight = np.array([config.weights.get(name, 1.0) for name in names])
        for old in planned:
            friends = _COMPANIONS.get(old.finding.category, ())
            weight *= [2.0 if name in friends else 1.0 for name in names]
        category = names[int(rng.choice(len(names), p=weight / weight.sum()))]
        new = draw_finding(rng, category, config, len(planned))
        if all(compatible(old, new) for old in planned):
            planned.append(new)
    if rng.random() < config.incidental_share:
        new = draw_incidental(rng, len(planned))
        if all(compatible(old, new) for old in planned):
            planned.append(new)
    return tuple(planned)


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
