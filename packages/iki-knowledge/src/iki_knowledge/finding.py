"""One finding of one report: the unit that travels between all packages."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Presence = Literal["present", "absent", "uncertain"]
Side = Literal["left", "right", "bilateral"]
Trend = Literal["new", "stable", "improved", "worsened"]


class Finding(BaseModel):
    """A disease or device with what the report says of it.

    The paper's triplet {severity, location, category} (MedFILIP, eq. 1), with location split into
    side and region, and presence and trend kept apart from severity.

    Attributes:
        category: Dictionary id, e.g. ``"pleural_effusion"``.
        severity: Canonical severity, e.g. ``"small"``; None when not stated.
        side: Laterality as the patient's own; None when not stated or in the midline.
        region: Canonical region id, e.g. ``"base"``; None when not stated.
        presence: Whether the report affirms, denies or hedges the finding.
        trend: Change against an earlier study; None when not stated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    category: str
    severity: str | None = None
    side: Side | None = None
    region: str | None = None
    presence: Presence = "present"
    trend: Trend | None = None
