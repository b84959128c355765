import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medfilip_model.phantom.grid import make_grid, noise, smoothstep


@given(st.floats(0.8, 1.2), st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(-0.07, 0.07))
def test_film_coordinates_invert_patient_coordinates(scale, dx, dy, tilt):
    grid = make_grid(32, scale=scale, shift=(dx, dy), tilt=tilt)
    u, v = grid.to_film(grid.x.astype(float), grid.y.astype(float))
    axis = (np.arange(32) + 0.5) / 16 - 1
    np.testing.assert_allclose(u, np.broadcast_to(axis, (32, 32)), atol=1e-5)
    np.testing.assert_allclose(v, np.broadcast_to(axis[:, None], (32, 32)), atol=1e-5)


def test_magnification_and_shift_go_the_right_way():
    grid = make_grid(64, scale=1.1, shift=(0.05, -0.03), tilt=0.0)
    u, v = grid.to_film(np.array([0.5]), np.array([0.5]))
    assert u[0] == pytest.approx(0.5 * 1.1 + 0.05)
    assert v[0] == pytest.approx(0.5 * 1.1 - 0.03)


def test_tables_are_read_at_the_pixel():
    grid = make_grid(128, scale=0.9, shift=(0.02, 0.0), tilt=math.radians(2))
    np.testing.assert_allclose(grid.by_x(grid.axis), grid.x, atol=2e-3)
    np.testing.assert_allclose(grid.by_y(grid.axis), grid.y, atol=2e-3)


def test_a_window_holds_its_rectangle():
    grid = make_grid(128, scale=1.05, shift=(0.04, 0.02), tilt=math.radians(3))
    inside = (np.abs(grid.x - 0.2) < 0.1) & (np.abs(grid.y + 0.3) < 0.15)
    box = grid.window(0.1, 0.3, -0.45, -0.15)
    assert inside.sum() == inside[box].sum() > 50
    assert inside[box].size < 4 * inside.sum()


def test_a_window_off_the_film_is_one_pixel_at_least():
    rows, columns = make_grid(64, scale=1.0, shift=(0.0, 0.0), tilt=0.0).window(3.0, 4.0, 3.0, 4.0)
    assert rows.stop - rows.start == columns.stop - columns.start == 1


def test_noise_has_unit_variance_and_the_same_clouds_at_any_size():
    fields = {size: noise(np.random.default_rng(3), 12, size) for size in (64, 128)}
    assert fields[128].std() == pytest.approx(1.0, abs=0.25)
    halved = fields[128].reshape(64, 2, 64, 2).mean((1, 3))
    assert np.corrcoef(halved.ravel(), fields[64].ravel())[0, 1] > 0.995


def test_smoothstep_by_hand():
    np.testing.assert_allclose(
        smoothstep(np.array([-1.0, 0.0, 0.25, 0.5, 1.0, 2.0])), [0, 0, 0.15625, 0.5, 1, 1]
    )
