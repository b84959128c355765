"""Phantoms with one chosen finding, and the same film without it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from medfilip_model.phantom import INCIDENTAL_CATEGORIES, PhantomConfig
from medfilip_model.phantom.anatomy import Contours, trace_contours
from medfilip_model.phantom.effects import deform
from medfilip_model.phantom.generate import plan_phantom, streams
from medfilip_model.phantom.grid import make_grid
from medfilip_model.phantom.kinds import SEVERITIES
from medfilip_model.phantom.patient import Patient
from medfilip_model.phantom.planned import Planned, draw_finding, draw_incidental
from medfilip_model.phantom.render import render


@dataclass(frozen=True, eq=False)
class Pair:
    """One finding drawn alone, beside the same film without it."""

    item: Planned
    image: np.ndarray
    bare: np.ndarray
    mask: np.ndarray
    patient: Patient
    contours: Contours
    x: np.ndarray
    y: np.ndarray

    @property
    def contrast(self) -> float:
        return float((self.image - self.bare)[self.mask].mean())

    @property
    def strength(self) -> float:
        """How much of the film changes within the mask, and by how much."""
        change = np.abs(self.image - self.bare)[self.mask].mean()
        return float(change * self.mask.mean() ** 0.5)

    @property
    def relative_x(self) -> np.ndarray:
        """x from the patient's own midline, the mediastinum's shift left out."""
        return self.x - 0.035 * self.patient.rotation


def planned(category: str, severity: str | None, index: int) -> Planned:
    """A finding of one category and severity, drawn by chance otherwise."""
    rng = np.random.default_rng([index, 99])
    config = PhantomConfig(trend_share=0)
    while True:
        if category in INCIDENTAL_CATEGORIES:
            item = draw_incidental(rng, 0)[0]
        else:
            item = draw_finding(rng, category, config, 0)
        if item.finding.category == category and item.finding.severity == severity:
            return item


def draw_pair(item: Planned, index: int, size: int = 128, seed: int = 7) -> Pair:
    config = PhantomConfig(size=size, seed=seed)
    made = plan_phantom(config, index)
    source = streams(config.seed, index)
    drawn = render(made.patient, made.exposure, (item,), size, source)
    bare = render(made.patient, made.exposure, (), size, source)
    patient = deform(made.patient, (item,))
    grid = make_grid(size, scale=patient.scale, shift=patient.shift, tilt=patient.tilt)
    contours = trace_contours(patient, grid)
    return Pair(item, drawn.image, bare.image, drawn.masks[0], patient, contours, grid.x, grid.y)


@pytest.fixture(scope="session")
def pair() -> Callable[..., Pair]:
    """(category, severity, index) → the pair, drawn once."""
    known: dict[tuple[str, str | None, int, int], Pair] = {}

    def get(category: str, severity: str | None, index: int, size: int = 128) -> Pair:
        key = (category, severity, index, size)
        if key not in known:
            known[key] = draw_pair(planned(category, severity, index), index, size)
        return known[key]

    return get


@pytest.fixture(scope="session")
def redrawn() -> Callable[..., Pair]:
    """(category, strength, index) → the same finding in the same place, as strong as asked."""

    def get(category: str, strength: float, index: int) -> Pair:
        item = planned(category, SEVERITIES[category][-1], index)
        return draw_pair(replace(item, strength=strength), index)

    return get


ALL_LEVELS = [(name, level) for name, levels in SEVERITIES.items() for level in levels]
EVERYTHING = [*ALL_LEVELS, *((name, None) for name in INCIDENTAL_CATEGORIES)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`level` runs over every class and severity, `anything` over incidental findings too."""
    for name, values in (("level", ALL_LEVELS), ("anything", EVERYTHING)):
        if name in metafunc.fixturenames:
            ids = [f"{category}-{severity or 'plain'}" for category, severity in values]
            metafunc.parametrize(name, values, ids=ids)
