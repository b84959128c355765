"""What a fusion head is asked of an image: which entities it shows, and where.

Axis legend: N images, K entities, R places.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

import numpy as np
from iki_knowledge import Finding, KnowledgeBase, Place, Side
from jaxtyping import Float32

from medfilip_model.data.samples import Sample, labels, names
from medfilip_model.errors import ConfigError

_SIDES: tuple[Side, ...] = ("left", "right")
# A finding there may be anywhere in the lung: it denies no part of it.
_THROUGHOUT, _LUNG = "diffuse", "lung"
# Level of "not known" between absent (0) and present (1).
_UNKNOWN = 0.5


class Spot(NamedTuple):
    """A side, a region, both, or neither; never ``bilateral``."""

    side: Side | None
    region: str | None


@dataclass(frozen=True)
class Entities:
    """The categories and places that a fusion head knows, and their truth.

    Attributes:
        categories: K category ids.
        places: R places by name: ``"left"``, ``"base"``, ``"left base"``; a bilateral finding is
            on both sides.
        kb: Dictionary: broader categories, and which region lies inside which.

    Raises:
        ConfigError: If a place is not a side, a region of the dictionary, or one after the other.
    """

    categories: tuple[str, ...]
    places: tuple[str, ...]
    kb: KnowledgeBase = field(repr=False)

    def __post_init__(self) -> None:
        for name in self.places:
            _place(name, self.kb)

    @classmethod
    def of(
        cls, categories: Sequence[str], samples: Iterable[Sample], kb: KnowledgeBase
    ) -> "Entities":
        """The entities of some categories, with the places where samples show them.

        Args:
            categories: K category ids.
            samples: Samples whose affirmed findings name the places.
            kb: Dictionary.

        Returns:
            Entities whose places are the sides and regions that occur, each alone and together as
            they occur, in the order of the dictionary.
        """
        stated = {
            place
            for sample in samples
            for finding in sample.present
            if not {*categories}.isdisjoint(names(finding.category, kb))
            for place in _stated(finding)
        }
        wider = {Spot(p.side, None) for p in stated} | {Spot(None, p.region) for p in stated}
        regions = kb.vocabulary.regions
        grid = (
            Spot(side, region)
            for region in (None, *regions)
            # A region of one side alone needs no side beside it.
            for side in ((None,) if region and regions[region].side else (None, *_SIDES))
        )
        kept = [place for place in grid if place in stated | wider and any(place)]
        return cls(tuple(categories), tuple(map(_name, kept)), kb)

    def labels(self, samples: Sequence[Sample]) -> Float32[np.ndarray, "N K"]:
        """What is known of each image and entity: 1 present, 0 absent, NaN not known."""
        return labels(samples, self.categories, self.kb)

    def where(self, samples: Sequence[Sample]) -> Float32[np.ndarray, "N K R"]:
        """Where each image shows each entity: 1 there, 0 not there, NaN not known.

        A finding is in every region that contains the stated one; whether it is in a narrower one
        is not known; elsewhere it is not. Nor is a side or region known that is not stated. An
        absent entity is nowhere.
        """
        known = self.labels(samples)
        table = np.repeat(np.where(known == 1, 0, known)[:, :, None], len(self.places), axis=2)
        for row, k in np.argwhere(known == 1):
            table[row, k] = self._spread(samples[row], self.categories[k])
        return table

    def _spread(self, sample: Sample, category: str) -> Float32[np.ndarray, " R"]:
        """The places of a sample's findings of a category; 1 outweighs NaN, which outweighs 0."""
        levels = np.zeros(len(self.places), dtype=np.float32)
        for finding in sample.findings or ():
            if finding.presence == "absent" or category not in names(finding.category, self.kb):
                continue
            most = 1.0 if finding.presence == "present" else _UNKNOWN
            for place in _stated(finding):
                np.maximum(levels, self._relations[place].clip(max=most), out=levels)
        return np.where(levels == _UNKNOWN, np.float32(np.nan), levels)

    @cached_property
    def _relations(self) -> Mapping[Spot, Float32[np.ndarray, " R"]]:
        """Stated place -> level of each place of the head."""
        stated = (
            Spot(side, region)
            for side in (None, *_SIDES)
            for region in (None, *self.kb.vocabulary.regions)
        )
        asked = [_place(name, self.kb) for name in self.places]
        return {
            place: np.array([self._level(place, one) for one in asked], dtype=np.float32)
            for place in stated
        }

    def _level(self, stated: Spot, asked: Spot) -> float:
        """Whether what is at a stated place is at the asked one too."""
        return min(self._on_side(stated, asked), self._in_region(stated.region, asked.region))

    def _on_side(self, stated: Spot, asked: Spot) -> float:
        side, wanted = self._side(stated), self._side(asked)
        if wanted is None:
            return 1.0
        return _UNKNOWN if side is None else float(side == wanted)

    def _side(self, place: Spot) -> Side | None:
        """The side of a place; some regions are on one side only."""
        regions = self.kb.vocabulary.regions
        return place.side or (regions[place.region].side if place.region else None)

    def _in_region(self, stated: str | None, asked: str | None) -> float:
        if asked is None:
            return 1.0
        if stated is None:
            return _UNKNOWN
        if self._contains(asked, stated):
            return 1.0
        wide = _LUNG if stated == _THROUGHOUT else stated
        return _UNKNOWN if self._contains(wide, asked) else 0.0

    def _contains(self, outer: str, inner: str) -> bool:
        return self.kb.within(Place(region=inner), Place(region=outer))


def _stated(finding: Finding) -> tuple[Spot, ...]:
    """The places of a finding: both sides of a bilateral one, else the one that it states."""
    sides = _SIDES if finding.side == "bilateral" else (finding.side,)
    return tuple(Spot(side, finding.region) for side in sides)


def _name(place: Spot) -> str:
    return " ".join(part for part in place if part)


def _place(name: str, kb: KnowledgeBase) -> Spot:
    """Read a name that `_name` gives."""
    first, _, rest = name.partition(" ")
    side: Side | None = next((side for side in _SIDES if side == first), None)
    region = (rest or None) if side else name
    if region is not None and region not in kb.vocabulary.regions:
        near = get_close_matches(region, [*_SIDES, *kb.vocabulary.regions], n=2)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ConfigError(f"place {name!r} names no side and no region of the dictionary{hint}")
    return Spot(side, region)
