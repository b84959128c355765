import numpy as np
import pytest
from medfilip_model.phantom.anatomy import LEFT, RIGHT, trace_contours
from medfilip_model.phantom.body import build_body
from medfilip_model.phantom.bones import Breaks, rib_number, rib_point, skeleton
from medfilip_model.phantom.grid import make_grid
from medfilip_model.phantom.patient import draw_patient


@pytest.fixture(scope="module")
def body():
    patient = draw_patient(np.random.default_rng(2))
    grid = make_grid(256, scale=1.0, shift=(0.0, 0.0), tilt=0.0)
    return build_body(grid, patient, trace_contours(patient, grid), np.random.default_rng(0))


def test_points_on_a_rib_have_its_number(body):
    whole = (slice(0, 256), slice(0, 256))
    number = rib_number(body, whole)
    for side in (RIGHT, LEFT):
        for rib in (3, 5, 8):
            x, y = rib_point(body, side, rib, 0.8)
            row, column = (round((v + 1) * 128 - 0.5) for v in (y, x))
            assert number[row, column] == pytest.approx(rib, abs=0.12)


def test_bone_is_denser_on_a_rib_than_between_two(body):
    bones = skeleton(body, np.random.default_rng(1))
    values = []
    for half in (0.0, 0.5):
        for rib in (4, 5, 6):
            x, y = rib_point(body, LEFT, rib, 0.8)
            y += half * body.patient.rib_step
            values.append(bones[round((y + 1) * 128 - 0.5), round((x + 1) * 128 - 0.5)])
    assert np.mean(values[:3]) > 1.3 * np.mean(values[3:])


def test_breaks_bend_and_part_the_ribs_behind(body):
    whole = skeleton(body, np.random.default_rng(1))
    nothing = Breaks(np.zeros_like(whole), np.zeros_like(whole))
    np.testing.assert_allclose(skeleton(body, np.random.default_rng(1), nothing), whole)
    x, y = rib_point(body, LEFT, 5, 0.8)
    near = (body.grid.x - x) ** 2 + (body.grid.y - y) ** 2 < 0.03**2
    gone = skeleton(body, np.random.default_rng(1), Breaks(nothing.bent, near.astype(whole.dtype)))
    assert gone[near].sum() < 0.6 * whole[near].sum()
    np.testing.assert_array_equal(gone[~near], whole[~near])
    step = np.where(body.grid.x > x, 0.5 * body.patient.rib_step, 0.0)
    bent = skeleton(body, np.random.default_rng(1), Breaks(step, nothing.broken))
    assert np.abs(bent - whole)[body.grid.x > x].mean() > 0.01
    np.testing.assert_array_equal(bent[body.grid.x <= x], whole[body.grid.x <= x])
