"""Which findings can stand together in one image, so that every label can be seen."""

from medfilip_model.phantom.anatomy import LEFT
from medfilip_model.phantom.planned import Planned

_FOCAL = frozenset(
    {"lung_opacity", "consolidation", "pneumonia", "nodule", "atelectasis", "granuloma"}
)
_DEVICES = frozenset({"pacemaker", "central_line"})
_DIFFUSE = frozenset({"covid19", "pulmonary_edema"})
_LOST_IN_HAZE = frozenset({*_DIFFUSE, *_FOCAL} - {"atelectasis"})

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


def _zones(item: Planned) -> set[str]:
    return _ZONES.get(item.finding.region or "", set())


def _beside(a: Planned, b: Planned) -> bool:
    return bool(set(a.sides) & set(b.sides))


def _hides(a: Planned, b: Planned) -> bool:
    """Whether ``a`` would cover ``b``, or leave it no place to be."""
    category, other = a.finding.category, b.finding.category
    if category == "pneumothorax":
        return _beside(a, b) and other != "cardiomegaly"
    if category == "pleural_effusion" and other == "cardiomegaly":
        # The left border is what the heart's size is read from.
        return a.strength > 0.7 and LEFT in a.sides
    if category == "pleural_effusion" and other in _FOCAL and _beside(a, b):
        covered = {"lower"} if a.strength < 0.7 else {"lower", "mid"}
        return a.strength > 0.4 and bool(_zones(b) & covered)
    if category == "cardiomegaly" and other in _FOCAL:
        # A wide heart leaves little of the left lung above the diaphragm.
        return a.strength > 0.45 and b.sides == (LEFT,) and "lower" in _zones(b)
    return False


def compatible(a: Planned, b: Planned) -> bool:
    """Whether two findings can be drawn, told apart and be true together."""
    kinds = {a.finding.category, b.finding.category}
    if len(kinds) == 1:
        return False
    if kinds & _DEVICES:
        return True
    if kinds & _DIFFUSE and kinds <= _LOST_IN_HAZE:
        return False
    if kinds <= _FOCAL and _beside(a, b) and _zones(a) & _zones(b):
        return False
    return not (_hides(a, b) or _hides(b, a))
