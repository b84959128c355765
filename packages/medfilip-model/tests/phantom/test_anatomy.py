import numpy as np
from medfilip_model.phantom.anatomy import LEFT, RIGHT, dome_y, trace_contours
from medfilip_model.phantom.grid import make_grid
from medfilip_model.phantom.patient import draw_patient


def _traced(seed):
    patient = draw_patient(np.random.default_rng(seed))
    grid = make_grid(256, scale=patient.scale, shift=patient.shift, tilt=patient.tilt)
    return patient, grid, trace_contours(patient, grid)


def test_heart_width_over_chest_width_is_the_ratio():
    for seed in range(30):
        patient, _, contours = _traced(seed)
        heart = contours.heart.left.max() - contours.heart.right.min()
        np.testing.assert_allclose(heart / (2 * patient.half_width), patient.ctr, rtol=0.01)


def test_the_heart_lies_mostly_on_the_left():
    for seed in range(30):
        _, _, contours = _traced(seed)
        assert contours.heart.left.max() > -contours.heart.right.min()


def test_the_right_dome_is_higher():
    for seed in range(30):
        patient, grid, contours = _traced(seed)
        assert dome_y(patient, RIGHT) < dome_y(patient, LEFT)
        right = contours.base[(grid.axis > -0.5) & (grid.axis < -0.1)].min()
        left = contours.base[(grid.axis < 0.5) & (grid.axis > 0.1)].min()
        assert right < left


def test_lungs_are_open_between_mediastinum_and_wall():
    for seed in range(30):
        patient, grid, contours = _traced(seed)
        rows = (grid.axis > patient.apex + 0.05) & (grid.axis < patient.dome)
        for side in (RIGHT, LEFT):
            assert np.all(contours.outer[side][rows] > contours.inner[side][rows])
        above = grid.axis < patient.apex - 0.05
        assert np.all(contours.outer[RIGHT][above] < contours.inner[RIGHT][above])
