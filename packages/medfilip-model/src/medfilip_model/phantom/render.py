"""Patient, exposure and planned findings → grey values and masks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medfilip_model.phantom.anatomy import trace_contours
from medfilip_model.phantom.body import TISSUE, build_body
from medfilip_model.phantom.bones import Breaks, skeleton
from medfilip_model.phantom.drawings import DRAWINGS
from medfilip_model.phantom.effects import deform
from medfilip_model.phantom.film import collimate, expose
from medfilip_model.phantom.grid import Field, Mask, make_grid
from medfilip_model.phantom.lesions.folds import skin_fold
from medfilip_model.phantom.lesions.patch import Patch
from medfilip_model.phantom.patient import Exposure, Patient, draw_exposure, draw_patient
from medfilip_model.phantom.planned import Planned
from medfilip_model.phantom.vessels import airway, pulmonary_vessels

Source = Callable[[int], np.random.Generator]
"""Stream number → its generator, always in the same initial state."""

PATIENT, PLAN, TEXTURE, BONES, VESSELS, GRAIN, REPORT, FOLD, DETAIL = range(9)
"""Random streams of a phantom. Finding k draws its details from stream DETAIL + k."""


@dataclass(frozen=True, eq=False)
class Rendered:
    """Grey values [H, W] in [0, 1] and one mask [H, W] for each planned finding."""

    image: Field
    masks: tuple[Mask, ...]


def draw_subject(source: Source) -> tuple[Patient, Exposure]:
    """Who stands there and how the film is taken."""
    rng = source(PATIENT)
    patient = draw_patient(rng)
    return patient, draw_exposure(rng, patient)


@dataclass(eq=False)
class _Layers:
    """What the findings change, gathered before the film is exposed.

    Attributes:
        air: Thickness of air in the lungs.
        open_lung: How much of the vessels shows.
        extra: Optical thickness laid over everything.
        free: Share of the lung's depth that is free air.
        breaks: What fractures do to the ribs, once one is laid in.
    """

    air: Field
    open_lung: Field
    extra: Field
    free: Field
    breaks: Breaks | None = None

    def lay(self, patch: Patch) -> None:
        """Add one patch."""
        window = patch.window
        if patch.filled is not None:
            self.air[window] *= 1 - patch.filled
            self.open_lung[window] *= 1 - np.maximum(patch.filled, 0)
        if patch.thinned is not None:
            self.open_lung[window] *= 1 - patch.thinned
        if patch.extra is not None:
            self.extra[window] += patch.extra
        if patch.free is not None:
            self.free[window] = patch.free
        if patch.bent is not None and patch.broken is not None:
            if self.breaks is None:
                self.breaks = Breaks(np.zeros_like(self.air), np.zeros_like(self.air))
            self.breaks.bent[window] += patch.bent
            self.breaks.broken[window] = np.maximum(self.breaks.broken[window], patch.broken)


def render(
    patient: Patient, exposure: Exposure, planned: tuple[Planned, ...], size: int, source: Source
) -> Rendered:
    """The film of a patient with findings.

    Args:
        patient: The body without findings.
        exposure: How the film is taken.
        planned: The findings; leaving one out changes nothing else in the picture.
        size: Height and width in pixels.
        source: The phantom's random streams.
    """
    subject = deform(patient, planned)
    grid = make_grid(size, scale=subject.scale, shift=subject.shift, tilt=subject.tilt)
    body = build_body(grid, subject, trace_contours(subject, grid), source(TEXTURE))
    nothing = np.zeros_like(body.air)
    layers = _Layers(body.air, body.field.copy(), nothing, nothing.copy())
    masks: list[Mask] = []
    for item in planned:
        mask = np.zeros(body.air.shape, dtype=bool)
        for patch in DRAWINGS[item.finding.category](body, item, source(DETAIL + item.stream)):
            mask[patch.window] |= patch.mask
            layers.lay(patch)
        masks.append(mask)
    air, open_lung, free = layers.air, layers.open_lung, layers.free
    if free.any():
        air = air * (1 - free) + body.depth * free
        open_lung *= 1 - free
    extra = layers.extra + skeleton(body, source(BONES), layers.breaks)
    fold = source(FOLD)
    if fold.random() < 0.08:
        extra += skin_fold(body, fold)
    vessels = pulmonary_vessels(body, source(VESSELS)) * open_lung
    thickness = TISSUE * (body.tissue - air - body.gas - airway(body)) + extra + vessels
    film = expose(np.maximum(thickness, 0), exposure, source(GRAIN))
    return Rendered(collimate(film, exposure).astype(np.float32), tuple(masks))
