from dataclasses import replace

import numpy as np
from medfilip_model.phantom.film import collimate, expose
from medfilip_model.phantom.patient import draw_exposure, draw_patient

_RNG = np.random.default_rng(0)
_EXPOSURE = replace(
    draw_exposure(_RNG, draw_patient(_RNG)),
    noise=0.0,
    shading=(0.0, 0.0),
    sharpen=0.0,
    borders=(0.0, 0.0, 0.0, 0.0),
    marker=None,
)


def _film(thickness, **changes):
    return expose(thickness, replace(_EXPOSURE, **changes), np.random.default_rng(1))


def test_dense_is_white_and_air_is_black():
    wedge = np.tile(np.linspace(0, 4, 64, dtype=np.float32), (64, 1))
    film = _film(wedge)
    assert np.all(np.diff(film[32]) > 0)
    assert film.min() >= 0
    assert film.max() <= 1


def test_underexposure_is_whiter_and_latitude_flattens():
    flat = np.full((32, 32), 1.5, np.float32)
    assert _film(flat, level=0.3).mean() > _film(flat, level=0.0).mean() + 0.03
    step = np.tile(np.repeat(np.float32([1.2, 1.8]), 32), (64, 1))
    hard, soft = (np.ptp(_film(step, latitude=width)) for width in (0.7, 1.4))
    assert hard > 1.3 * soft


def test_scatter_lowers_the_contrast_across_an_edge():
    step = np.tile(np.repeat(np.float32([1.2, 3.0]), 32), (64, 1))

    def seen(scatter):
        film = _film(step, scatter=scatter)
        grey = (film - _EXPOSURE.black) / (_EXPOSURE.white - _EXPOSURE.black)
        return np.ptp(np.arctanh(2 * grey - 1)[32, 28:36])

    assert seen(0.25) < 0.9 * seen(0.02)


def test_noise_comes_from_the_generator_alone():
    flat = np.full((64, 64), 1.5, np.float32)
    assert _film(flat, noise=0.02).std() > 0.008
    np.testing.assert_array_equal(_film(flat, noise=0.02), _film(flat, noise=0.02))


def test_a_collimator_covers_its_edge_only():
    image = np.full((64, 64), 0.5, np.float32)
    exposure = replace(
        _EXPOSURE, borders=(0.2, 0.0, 0.0, 0.0), border_angle=0.0, border_white=False
    )
    covered = collimate(image, exposure)
    assert covered[:, :5].max() < 0.05
    np.testing.assert_allclose(covered[:, 8:], 0.5)


def test_a_marker_is_small_and_white():
    image = np.full((128, 128), 0.3, np.float32)
    for style in range(3):
        marked = collimate(image, replace(_EXPOSURE, marker=(0.8, -0.8), marker_style=style))
        changed = marked != image
        assert 4 < changed.sum() < 128 * 128 * 0.006
        assert marked.max() > 0.9
        rows, columns = np.nonzero(changed)
        assert rows.max() < 20
        assert columns.min() > 108
