"""The table of findings: how severe each can be, on which side and where it lies."""

from dataclasses import dataclass
from typing import Literal

from medfilip_model.phantom.config import SEEN_CATEGORIES, UNSEEN_CATEGORIES

Sides = Literal["one", "either", "both", "left", "none"]
"""One side; one or, now and then, both; always both; the left; no side to speak of."""

Grades = tuple[str | None, ...]
_GRADES: Grades = ("mild", "moderate", "severe")
_SIZES: Grades = ("small", "moderate", "large")
_ZONES: Grades = ("upper", "mid", "lower")
_RIGHT_LOBES: Grades = ("upper_lobe", "middle_lobe", "lower_lobe")
_LEFT_LOBES: Grades = ("upper_lobe", "lingula", "lower_lobe")


@dataclass(frozen=True)
class Kind:
    """What a category can look like, in the dictionary's words.

    Attributes:
        severities: Weakest first; they divide the strength 0-1 into equal bands.
        sides: Where it can be.
        regions: Regions to choose from; several are equally likely.
        left_regions: The same on the left, where it differs.
        by_strength: (below this strength, the region is that one), instead of ``regions``.
    """

    severities: Grades = (None,)
    sides: Sides = "one"
    regions: Grades = (None,)
    left_regions: Grades | None = None
    by_strength: tuple[tuple[float, str | None], ...] = ()


_LOBAR = Kind(_GRADES, regions=_RIGHT_LOBES, left_regions=_LEFT_LOBES)

KINDS: dict[str, Kind] = {
    "lung_opacity": Kind(_GRADES, "either", (*_ZONES, "perihilar", "base", "peripheral")),
    "consolidation": _LOBAR,
    "pneumonia": _LOBAR,
    "atelectasis": Kind(_GRADES, "either", ("base",)),
    "pleural_effusion": Kind(
        ("trace", "small", "moderate", "large"),
        "either",
        by_strength=((0.25, "costophrenic_angle"), (0.75, "base"), (1.0, None)),
    ),
    "pneumothorax": Kind(_SIZES, by_strength=((1 / 3, "apex"), (1.0, None))),
    "cardiomegaly": Kind(_GRADES, "none"),
    "pulmonary_edema": Kind(_GRADES, "both", by_strength=((2 / 3, "perihilar"), (1.0, "diffuse"))),
    # A report names a nodule's size at the ends of the scale only.
    "nodule": Kind(("small", None, "large"), regions=_ZONES),
    "mass": Kind(_SIZES, regions=_ZONES),
    "emphysema": Kind(_GRADES, "none", by_strength=((0.5, "upper"), (1.0, "diffuse"))),
    "pulmonary_fibrosis": Kind(_GRADES, "both", by_strength=((0.6, "base"), (1.0, "peripheral"))),
    "vascular_congestion": Kind(_GRADES, "both", ("perihilar",)),
    "pleural_thickening": Kind(_GRADES, "either", ("apex", "peripheral")),
    "rib_fracture": Kind(_GRADES, regions=("rib",)),
    "hernia": Kind(_SIZES, "none", ("retrocardiac",)),
    "covid19": Kind(_GRADES, "both", ("peripheral",)),
    "granuloma": Kind(regions=_ZONES),
    "granulomatous_disease": Kind(regions=("hilum",)),
    "scarring": Kind(regions=("apex",)),
    "healed_fracture": Kind(regions=("rib",)),
    "pacemaker": Kind(sides="left"),
    "central_line": Kind(),
    "endotracheal_tube": Kind(sides="none"),
    "enteric_tube": Kind(sides="none"),
    "sternotomy": Kind(sides="none"),
    "surgical_clips": Kind(),
}

SEVERITIES: dict[str, Grades] = {
    name: KINDS[name].severities for name in SEEN_CATEGORIES + UNSEEN_CATEGORIES
}
"""Severities of each class, weakest first."""

OLD_SCARS = frozenset({"granuloma", "granulomatous_disease", "scarring", "healed_fracture"})
DEVICES = frozenset(
    {
        "pacemaker",
        "central_line",
        "endotracheal_tube",
        "enteric_tube",
        "sternotomy",
        "surgical_clips",
    }
)
