"""Sex and age as tables and DICOM headers write them."""

from typing import Literal

# Entries above it are slips of the pen: ChestX-ray14 has patients of 411 years.
_OLDEST = 120.0
_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


def sex_of(text: object) -> Literal["F", "M"] | None:
    """Read a sex: ``F``, ``Female``, ``M``, ``Male``; None for anything else."""
    first = str(text or "").strip().upper()
    if first in ("F", "FEMALE"):
        return "F"
    return "M" if first in ("M", "MALE") else None


def age_of(text: object) -> float | None:
    """Read an age in years: ``58``, ``058Y``, ``006M``; None where it is none, or impossible."""
    told = str(text if text is not None else "").strip().upper()
    scale = _YEARS.get(told[-1:], 0.0) or 1.0
    try:
        age = float(told.rstrip("YMWD")) * scale
    except ValueError:
        return None
    return age if 0 <= age <= _OLDEST else None


def view_of(text: object) -> str | None:
    """Read a projection; None where it is blank."""
    return str(text or "").strip().upper() or None
