"""A finding to draw: what the truth says, how strong it is, where its chance comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from iki_knowledge import Finding

from medfilip_model.phantom.anatomy import LEFT, RIGHT
from medfilip_model.phantom.config import INCIDENTAL_CATEGORIES, PhantomConfig
from medfilip_model.phantom.kinds import KINDS, Kind

_BOTH_SHARE = 0.22
_Option = TypeVar("_Option")
_TRENDS = ("new", "stable", "improved", "worsened")
_TOGETHER = {"endotracheal_tube": "enteric_tube", "sternotomy": "surgical_clips"}
"""Devices that often come with another: an intubated patient is fed, a bypass leaves clips."""
_PAIR_SHARE = 0.4


@dataclass(frozen=True)
class Planned:
    """A finding to draw.

    Attributes:
        finding: What the truth says.
        strength: 0 to 1 over all severities of the category.
        stream: Number of the random stream that draws its details.
    """

    finding: Finding
    strength: float
    stream: int

    @property
    def sides(self) -> tuple[int, ...]:
        """Hemithoraces that it touches."""
        if self.finding.side == "bilateral" or self.finding.side is None:
            return (RIGHT, LEFT)
        return (LEFT,) if self.finding.side == "left" else (RIGHT,)


def _side(rng: np.random.Generator, kind: Kind) -> str | None:
    side = "left" if rng.random() < 0.5 else "right"
    both = rng.random() < _BOTH_SHARE
    if kind.sides == "either":
        return "bilateral" if both else side
    return {"one": side, "both": "bilateral", "left": "left", "none": None}[kind.sides]


def _region(rng: np.random.Generator, kind: Kind, side: str | None, strength: float) -> str | None:
    for limit, region in kind.by_strength:
        if strength < limit:
            return region
    regions = kind.left_regions if side == "left" and kind.left_regions else kind.regions
    return one_of(rng, regions)


def one_of(rng: np.random.Generator, options: Sequence[_Option]) -> _Option:
    """One of some options, each as likely."""
    return options[int(rng.integers(len(options)))]


def _draw(
    rng: np.random.Generator, category: str, strength: float, trend: str | None, stream: int
) -> Planned:
    kind = KINDS[category]
    side = _side(rng, kind)
    finding = Finding.model_validate(
        {
            "category": category,
            "severity": kind.severities[int(strength * len(kind.severities))],
            "side": side,
            "region": _region(rng, kind, side, strength),
            "trend": trend,
        }
    )
    return Planned(finding, strength, stream)


def draw_finding(
    rng: np.random.Generator, category: str, config: PhantomConfig, stream: int
) -> Planned:
    """A finding of a category: strength, place and trend by chance."""
    strength = float(rng.random())
    trend = one_of(rng, _TRENDS) if rng.random() < config.trend_share else None
    return _draw(rng, category, strength, trend, stream)


def draw_incidental(rng: np.random.Generator, stream: int) -> tuple[Planned, ...]:
    """An old scar or a device, or two devices that come together."""
    category = one_of(rng, INCIDENTAL_CATEGORIES)
    found = [_draw(rng, category, 0.5, None, stream)]
    friend = _TOGETHER.get(category)
    if friend is not None and rng.random() < _PAIR_SHARE:
        found.append(_draw(rng, friend, 0.5, None, stream + 1))
    return tuple(found)
