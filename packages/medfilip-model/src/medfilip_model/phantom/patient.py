"""The patient and the exposure: every number that the image depends on, drawn once."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Sex = Literal["F", "M"]


@dataclass(frozen=True)
class Patient:
    """One body in front of the detector; lengths in patient units (about 19 cm each).

    Attributes:
        sex: Drives breasts, shoulders and frame.
        age: Years; drives the aortic knob, bone density and calcified rings.
        habitus: 0 thin to 1 large: thickness of soft tissue, breadth of the trunk, scatter.
        scale: Magnification on the film.
        shift: Displacement on the film, (right, down).
        tilt: Rotation in the plane of the film, radians.
        rotation: Turn about the long axis, -1 to 1: moves heart, trachea and clavicles.
        half_width: Half the inner width of the thorax.
        apex: y of the lung apices.
        apex_x: Distance of the apices from the midline.
        dome: y of the right diaphragm dome; deep inspiration puts it lower (larger).
        dome_drop: How much lower the left dome is.
        sulcus: Depth of the costophrenic angle below the dome.
        ctr: Cardiothoracic ratio.
        heart_right: Share of the heart's width right of the midline.
        heart_height: From pulmonary trunk to the bottom of the heart; small is a lying heart.
        pedicle: Half width of the upper mediastinum.
        knob: Prominence of the aortic knob.
        shift_mediastinum: Displacement of heart and trachea, positive to the patient's left.
        lift: Extra elevation of the (right, left) diaphragm dome.
        bone: Mineral density of the skeleton, relative.
        rib_start: y at which the first rib meets the chest wall.
        rib_step: Distance between ribs.
        rib_fall: How far a posterior rib falls from spine to chest wall.
        clavicle: y of the medial clavicle end.
        breast: Size of the breasts, 0 for none.
        vessels: Prominence of the pulmonary vessels.
        redistribution: 0 normal to 1: upper-zone vessels wider than lower ones (oedema).
        gas: Size of the gastric bubble, 0 for none.
        arms: Distance of the arms from the trunk.
    """

    sex: Sex
    age: int
    habitus: float
    scale: float
    shift: tuple[float, float]
    tilt: float
    rotation: float
    half_width: float
    apex: float
    apex_x: float
    dome: float
    dome_drop: float
    sulcus: float
    ctr: float
    heart_right: float
    heart_height: float
    pedicle: float
    knob: float
    bone: float
    rib_start: float
    rib_step: float
    rib_fall: float
    clavicle: float
    breast: float
    vessels: float
    gas: float
    arms: float
    shift_mediastinum: float = 0.0
    lift: tuple[float, float] = (0.0, 0.0)
    redistribution: float = 0.0


@dataclass(frozen=True)
class Exposure:
    """How the film was taken and processed.

    Attributes:
        level: Offset of the grey scale: below 0 is overexposed (dark), above 0 underexposed.
        latitude: Width of the grey scale in optical thickness; small is high contrast.
        black: Grey value of unattenuated beam.
        white: Grey value of the densest parts.
        scatter: Share of scattered radiation.
        blur: Unsharpness, standard deviation in film units.
        sharpen: Strength of the edge enhancement that digital systems add.
        noise: Quantum noise, standard deviation at mid grey and 128 pixels.
        shading: Heel effect and uneven field: amplitude of a slow gradient.
        borders: Collimator positions (left, right, top, bottom) as distance from each film edge.
        border_angle: Tilt of the collimator, radians.
        border_white: Whether the film outside the collimator is shown white.
        marker: Film position of the side marker, None without one.
        marker_style: 0 bar, 1 ring, 2 disc.
    """

    level: float
    latitude: float
    black: float
    white: float
    scatter: float
    blur: float
    sharpen: float
    noise: float
    shading: tuple[float, float]
    borders: tuple[float, float, float, float]
    border_angle: float
    border_white: bool
    marker: tuple[float, float] | None
    marker_style: int


def _clipped(
    rng: np.random.Generator, mean: float, spread: float, low: float, high: float
) -> float:
    return min(max(rng.normal(mean, spread), low), high)


def draw_patient(rng: np.random.Generator) -> Patient:
    """A patient without findings: normal heart (CTR 0.40-0.48), symmetric domes, clear lungs."""
    sex: Sex = "F" if rng.random() < 0.47 else "M"
    female = sex == "F"
    age = int(np.clip(rng.normal(52, 17), 18, 92))
    old = (age - 18) / 74
    habitus = float(rng.beta(2.0, 2.4))
    inspiration = _clipped(rng, 0.0, 1.0, -1.8, 1.8)
    half_width = _clipped(rng, 0.715 if female else 0.745, 0.03, 0.64, 0.81)
    apex = _clipped(rng, -0.76, 0.03, -0.84, -0.68)
    sulcus = _clipped(rng, 0.24, 0.03, 0.17, 0.31)
    shift = (_clipped(rng, 0.0, 0.035, -0.09, 0.09), _clipped(rng, 0.02, 0.05, -0.1, 0.12))
    dome = 0.40 + 0.075 * inspiration - 0.06 * (habitus - 0.45) + rng.normal(0, 0.02)
    # No finding may fall off the film: apices, walls and costophrenic angles stay on it.
    scale = min(
        _clipped(rng, 1.0, 0.07, 0.84, 1.15),
        (0.97 - abs(shift[0])) / half_width,
        (0.97 - shift[1]) / (dome + sulcus),
        (0.97 + shift[1]) / -apex,
    )
    return Patient(
        sex=sex,
        age=age,
        habitus=habitus,
        scale=scale,
        shift=shift,
        tilt=math.radians(_clipped(rng, 0.0, 1.3, -4.0, 4.0)),
        rotation=_clipped(rng, 0.0, 0.45, -1.0, 1.0),
        half_width=half_width,
        apex=apex,
        apex_x=_clipped(rng, 0.33, 0.02, 0.27, 0.38) * half_width / 0.73,
        dome=dome,
        dome_drop=_clipped(rng, 0.045, 0.02, 0.005, 0.09),
        sulcus=sulcus,
        ctr=float(rng.uniform(0.40, 0.48)),
        heart_right=_clipped(rng, 0.33, 0.03, 0.26, 0.4),
        heart_height=_clipped(
            rng, 0.62 - 0.08 * (habitus - 0.45) + 0.04 * inspiration, 0.03, 0.5, 0.74
        ),
        pedicle=_clipped(rng, 0.08 + 0.025 * habitus, 0.01, 0.065, 0.125),
        knob=float(np.clip(0.03 + 0.055 * old + rng.normal(0, 0.015), 0.01, 0.11)),
        bone=_clipped(rng, 1.1 - 0.35 * old - (0.08 * old if female else 0), 0.12, 0.55, 1.4),
        rib_start=apex + _clipped(rng, 0.14, 0.02, 0.09, 0.19),
        rib_step=_clipped(rng, 0.128, 0.008, 0.11, 0.15),
        rib_fall=_clipped(rng, 0.2, 0.03, 0.12, 0.28),
        clavicle=apex + _clipped(rng, 0.19, 0.04, 0.08, 0.3),
        breast=_clipped(rng, 0.3 + 0.6 * habitus, 0.18, 0.12, 1.0) if female else 0.0,
        vessels=_clipped(rng, 1.0, 0.13, 0.65, 1.3),
        gas=_clipped(rng, 0.6, 0.25, 0.25, 1.0) if rng.random() < 0.7 else 0.0,
        arms=_clipped(rng, 0.22, 0.1, 0.06, 0.5),
    )


def _open_to_chest(
    borders: tuple[float, float, float, float], patient: Patient
) -> tuple[float, float, float, float]:
    """Collimator positions drawn back where they would cover lung."""
    x, y = patient.shift
    wall, low = patient.half_width * patient.scale, (patient.dome + patient.sulcus) * patient.scale
    room = (1 + x - wall, 1 - x - wall, 1 + y + patient.apex * patient.scale, 1 - y - low)
    left, right, top, bottom = (
        max(0.0, min(depth, space - 0.06)) for depth, space in zip(borders, room, strict=True)
    )
    return left, right, top, bottom


def draw_exposure(rng: np.random.Generator, patient: Patient) -> Exposure:
    """An exposure, from textbook to poor; nothing in it depends on the findings."""
    cut = rng.random(4) < 0.28
    depth = rng.uniform(0.02, 0.16, 4) * cut
    marker = None
    if rng.random() < 0.7:
        marker = (
            float(rng.uniform(0.68, 0.9) * (1 if rng.random() < 0.6 else -1)),
            float(rng.uniform(-0.92, -0.62)),
        )
    return Exposure(
        level=_clipped(rng, 0.0, 0.2, -0.5, 0.5),
        latitude=_clipped(rng, 1.0, 0.16, 0.68, 1.45),
        black=_clipped(rng, 0.01, 0.05, 0.0, 0.2),
        white=_clipped(rng, 0.94, 0.05, 0.72, 1.0),
        scatter=_clipped(rng, 0.10, 0.05, 0.02, 0.25),
        blur=float(rng.uniform(0.003, 0.010)),
        sharpen=_clipped(rng, 0.25, 0.25, 0.0, 0.9),
        noise=float(rng.uniform(0.001, 0.006)),
        shading=(float(rng.normal(0, 0.05)), float(rng.normal(0, 0.05))),
        borders=_open_to_chest(
            (float(depth[0]), float(depth[1]), float(depth[2]), float(depth[3])), patient
        ),
        border_angle=math.radians(_clipped(rng, 0.0, 1.0, -3.0, 3.0)),
        border_white=bool(rng.random() < 0.3),
        marker=marker,
        marker_style=int(rng.integers(3)),
    )
