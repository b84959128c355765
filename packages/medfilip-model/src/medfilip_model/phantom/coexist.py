"""Which findings can stand together in one image, so that every label can be seen."""

from medfilip_model.phantom.anatomy import LEFT
from medfilip_model.phantom.kinds import DEVICES
from medfilip_model.phantom.planned import Planned

_FOCAL = frozenset(
    {
        "lung_opacity",
        "consolidation",
        "pneumonia",
        "nodule",
        "mass",
        "atelectasis",
        "granuloma",
        "scarring",
    }
)
_DIFFUSE = frozenset({"covid19", "pulmonary_edema"})
_LOST_IN_HAZE = frozenset({*_DIFFUSE, *_FOCAL} - {"atelectasis"})

_NEVER = frozenset(
    frozenset(pair)
    for category, others in {
        # Large clear lungs and a narrow heart against wet, small or stiff ones and a wide heart.
        "emphysema": (
            "pulmonary_edema",
            "vascular_congestion",
            "pulmonary_fibrosis",
            "covid19",
            "cardiomegaly",
            "atelectasis",
        ),
        # Two reasons for lines, haze or wide vessels in both lungs cannot be told apart.
        "pulmonary_fibrosis": ("pulmonary_edema", "vascular_congestion", "covid19", "atelectasis"),
        "vascular_congestion": ("pulmonary_edema", "covid19"),
        # Which break is old would be a guess.
        "rib_fracture": ("healed_fracture",),
    }.items()
    for pair in ((category, other) for other in others)
)
"""Pairs that exclude each other wherever they lie."""

_ZONES = {
    "upper": {"upper"},
    "upper_lobe": {"upper", "mid"},
    "apex": {"upper"},
    "mid": {"mid"},
    "perihilar": {"mid"},
    "middle_lobe": {"mid", "lower"},
    "lingula": {"mid", "lower"},
    "lower": {"lower"},
    "lower_lobe": {"lower"},
    "base": {"lower"},
    "costophrenic_angle": {"lower"},
}
_ZONES_OF = {
    ("pulmonary_fibrosis", "peripheral"): {"mid", "lower"},
    ("pleural_thickening", "peripheral"): {"mid", "lower"},
    ("vascular_congestion", "perihilar"): {"upper", "mid"},
}
"""What a finding takes up where its region says too little."""
_CROWDS = frozenset({"pulmonary_fibrosis", "pleural_thickening", "vascular_congestion"})
"""Findings that hide in a large soft density of their own zone, or hide it."""
_CLOUDS = frozenset({"lung_opacity", "consolidation", "pneumonia", "mass"})


def _zones(item: Planned) -> set[str]:
    region = item.finding.region or ""
    return _ZONES_OF.get((item.finding.category, region), _ZONES.get(region, set()))


def _beside(a: Planned, b: Planned) -> bool:
    return bool(set(a.sides) & set(b.sides))


def _meet(a: Planned, b: Planned) -> bool:
    """Whether they lie in the same zone of the same side."""
    return _beside(a, b) and bool(_zones(a) & _zones(b))


def _fluid_hides(fluid: Planned, b: Planned) -> bool:
    other = b.finding.category
    if other == "cardiomegaly":
        # The left border is what the heart's size is read from.
        return fluid.strength > 0.7 and LEFT in fluid.sides
    if not _beside(fluid, b):
        return False
    if other == "pleural_thickening":
        return b.finding.region == "peripheral" or fluid.strength > 0.85
    if other == "emphysema":
        return fluid.strength > 0.5
    if other in ("rib_fracture", "healed_fracture"):
        return fluid.strength > 0.5
    if other in _FOCAL or other == "pulmonary_fibrosis":
        covered = {"lower"} if fluid.strength < 0.7 else {"lower", "mid"}
        return fluid.strength > 0.4 and bool(_zones(b) & covered)
    return False


def _hides(a: Planned, b: Planned) -> bool:
    """Whether ``a`` would cover ``b``, or leave it no place to be."""
    category, other = a.finding.category, b.finding.category
    if category == "pneumothorax":
        return _beside(a, b) and other not in ("cardiomegaly", "rib_fracture", "hernia")
    if category == "pleural_effusion":
        return _fluid_hides(a, b)
    if category == "cardiomegaly" and other in _FOCAL:
        # A wide heart leaves little of the left lung above the diaphragm.
        return a.strength > 0.45 and b.sides == (LEFT,) and "lower" in _zones(b)
    if category in _CROWDS and other in _CLOUDS:
        return _meet(a, b)
    if category == "pleural_thickening" and other in ("rib_fracture", "healed_fracture"):
        return _beside(a, b) and a.finding.region == "peripheral"
    return False


def compatible(a: Planned, b: Planned) -> bool:
    """Whether two findings can be drawn, told apart and be true together."""
    kinds = frozenset({a.finding.category, b.finding.category})
    if len(kinds) == 1 or kinds in _NEVER:
        return False
    if kinds & DEVICES:
        return True
    if kinds & _DIFFUSE and kinds <= _LOST_IN_HAZE:
        return False
    if kinds <= _FOCAL and _meet(a, b):
        return False
    return not (_hides(a, b) or _hides(b, a))
