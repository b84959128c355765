"""Patient, exposure and planned findings → grey values and masks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medfilip_model.phantom.anatomy import trace_contours
from medfilip_model.phantom.body import TISSUE, Body, build_body
from medfilip_model.phantom.bones import skeleton
from medfilip_model.phantom.film import collimate, expose
from medfilip_model.phantom.grid import Field, Mask, make_grid
from medfilip_model.phantom.lesions.airspace import (
    draw_consolidation,
    draw_opacity,
    draw_pneumonia,
)
from medfilip_model.phantom.lesions.collapse import draw_atelectasis
from medfilip_model.phantom.lesions.device import (
    draw_central_line,
    draw_pacemaker,
    skin_fold,
)
from medfilip_model.phantom.lesions.diffuse import draw_covid, draw_edema
from medfilip_model.phantom.lesions.focal import draw_granuloma, draw_nodule
from medfilip_model.phantom.lesions.patch import Patch
from medfilip_model.phantom.lesions.pleura import draw_effusion, draw_pneumothorax
from medfilip_model.phantom.patient import Exposure, Patient, draw_exposure, draw_patient
from medfilip_model.phantom.planned import Planned, deform
from medfilip_model.phantom.vessels import airway, pulmonary_vessels

Drawing = Callable[[Body, Planned, np.random.Generator], list[Patch]]
Source = Callable[[int], np.random.Generator]
"""Stream number → its generator, always in the same initial state."""

PATIENT, PLAN, TEXTURE, BONES, VESSELS, GRAIN, REPORT, FOLD, DETAIL = range(9)
"""Random streams of a phantom. Finding k draws its details from stream DETAIL + k."""


def heart_mask(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """The silhouette above the diaphragm; its size is in the patient already (`deform`)."""
    grid = body.grid
    inside = (body.heart.radius(grid) < 1) & (grid.y < grid.by_x(body.contours.base))
    return [Patch((slice(0, grid.size), slice(0, grid.size)), inside)]


DRAWINGS: dict[str, Drawing] = {
    "lung_opacity": draw_opacity,
    "consolidation": draw_consolidation,
    "pneumonia": draw_pneumonia,
    "atelectasis": draw_atelectasis,
    "pleural_effusion": draw_effusion,
    "pneumothorax": draw_pneumothorax,
    "cardiomegaly": heart_mask,
    "pulmonary_edema": draw_edema,
    "nodule": draw_nodule,
    "covid19": draw_covid,
    "granuloma": draw_granuloma,
    "pacemaker": draw_pacemaker,
    "central_line": draw_central_line,
}


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
    air = body.air
    open_lung = body.field.copy()
    extra = skeleton(body, source(BONES))
    masks: list[Mask] = []
    free = np.zeros_like(air)
    for item in planned:
        mask = np.zeros(air.shape, dtype=bool)
        for patch in DRAWINGS[item.finding.category](body, item, source(DETAIL + item.stream)):
            mask[patch.window] |= patch.mask
            if patch.filled is not None:
                air[patch.window] *= 1 - patch.filled
                open_lung[patch.window] *= 1 - patch.filled
            if patch.extra is not None:
                extra[patch.window] += patch.extra
            if patch.free is not None:
                free[patch.window] = patch.free
        masks.append(mask)
    if free.any():
        air = air * (1 - free) + body.depth * free
        open_lung *= 1 - free
    fold = source(FOLD)
    if fold.random() < 0.08:
        extra += skin_fold(body, fold)
    vessels = pulmonary_vessels(body, source(VESSELS)) * open_lung
    thickness = TISSUE * (body.tissue - air - body.gas - airway(body)) + extra + vessels
    film = expose(np.maximum(thickness, 0), exposure, source(GRAIN))
    return Rendered(collimate(film, exposure).astype(np.float32), tuple(masks))
