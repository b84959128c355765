"""From optical thickness to grey values: scatter, grey scale, unsharpness, noise, collimator."""

import functools
import math

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from medfilip_model.phantom.grid import Field, film_axis
from medfilip_model.phantom.patient import Exposure

_GREY = 1.56
"""Optical thickness shown as mid grey at the nominal exposure."""
_SCATTER_CELLS = 16
_APERTURE = 0.4
"""Standard deviation of a detector element's blur, in pixels."""


@functools.cache
def _scatter_operators(
    size: int,
) -> tuple[Float[np.ndarray, "S cells"], Float[np.ndarray, "cells S"]]:
    """Very wide blur along one axis by way of a few cells: (spread, gather)."""
    fine = film_axis(size)
    coarse = np.linspace(-1, 1, _SCATTER_CELLS, dtype=np.float32)
    kernel = np.exp(-((fine[:, None] - coarse[None, :]) ** 2) / (2 * 0.18**2))
    spread = kernel / kernel.sum(axis=1, keepdims=True)
    gather = (kernel / kernel.sum(axis=0, keepdims=True)).T
    return spread.astype(np.float32), gather.astype(np.float32)


def expose(thickness: Field, exposure: Exposure, rng: np.random.Generator) -> Field:
    """Film of an optical thickness map.

    Args:
        thickness: Optical thickness [H, W], 0 in air.
        exposure: How the film is taken.
        rng: Source of the quantum noise; used for nothing else.

    Returns:
        Grey values [H, W] float32 in [0, 1]; dense is white.
    """
    size = thickness.shape[0]
    beam = np.exp(-thickness)
    spread, gather = _scatter_operators(size)
    fog = spread @ (gather @ beam @ gather.T) @ spread.T
    seen = -np.log(beam + exposure.scatter * fog)
    axis = film_axis(size)
    seen += exposure.shading[0] * axis[None, :] + exposure.shading[1] * axis[:, None]
    seen = _unsharp(seen, exposure, size)
    grey = 0.5 + 0.5 * np.tanh((seen - _GREY + exposure.level) * (0.72 / exposure.latitude))
    grain = rng.standard_normal((size, size), dtype=np.float32)
    # Quanta scale with pixel area; fewer reach the film behind dense parts.
    grey += grain * (0.35 + grey) * (exposure.noise * (size / 128) ** 0.5)
    return np.clip(exposure.black + (exposure.white - exposure.black) * grey, 0, 1)


def _unsharp(seen: Field, exposure: Exposure, size: int) -> Field:
    # A pixel integrates over its own width.
    sigma = math.hypot(exposure.blur * size / 2, _APERTURE)
    seen = ndimage.gaussian_filter(seen, sigma, truncate=3.0, mode="nearest")
    if exposure.sharpen > 0.05:
        wide = ndimage.gaussian_filter(seen, 0.03 * size / 2, truncate=2.5, mode="nearest")
        seen = seen + exposure.sharpen * (seen - wide)
    return seen


def collimate(image: Field, exposure: Exposure) -> Field:
    """Cover what the collimator shut off, and lay the side marker on."""
    size = image.shape[0]
    axis = film_axis(size)
    bend = math.tan(exposure.border_angle)
    left, right, top, bottom = exposure.borders
    shut = np.float32(0.97 if exposure.border_white else 0.02)
    column, row = axis[None, :], axis[:, None]
    soft = size / 3
    opening = np.ones_like(image)
    for depth, inside in (
        (left, column - bend * row + 1),
        (right, 1 - column + bend * row),
        (top, row + bend * column + 1),
        (bottom, 1 - row - bend * column),
    ):
        if depth:
            opening = opening * np.clip((inside - depth) * soft + 0.5, 0, 1)
    image = image * opening + shut * (1 - opening)
    if exposure.marker is not None:
        image = _mark(image, exposure.marker, exposure.marker_style)
    return image


def _mark(image: Field, place: tuple[float, float], style: int) -> Field:
    """A small lead shape; no letter, so it tells nothing."""
    size = image.shape[0]
    axis = film_axis(size)
    u, v = axis[None, :] - place[0], axis[:, None] - place[1]
    soft = size / 2
    if style == 0:
        shape = np.minimum(0.018 - np.abs(u), 0.05 - np.abs(v))
    elif style == 1:
        shape = 0.012 - np.abs(np.sqrt(u * u + v * v) - 0.04)
    else:
        shape = 0.035 - np.sqrt(u * u + v * v)
    lead = np.clip(shape * soft + 0.5, 0, 1)
    return image * (1 - lead) + 0.97 * lead
