import numpy as np
import pytest
from medfilip_model.phantom import PhantomConfig
from medfilip_model.phantom.anatomy import LEFT, RIGHT, dome_y
from medfilip_model.phantom.effects import deform
from medfilip_model.phantom.patient import draw_patient
from medfilip_model.phantom.planned import draw_finding

_PATIENT = draw_patient(np.random.default_rng(4))


def _only(category, strength_above, side, region=None):
    rng = np.random.default_rng(0)
    while True:
        item = draw_finding(rng, category, PhantomConfig(), 0)
        fits = item.finding.side == side and region in (None, item.finding.region)
        if fits and item.strength > strength_above:
            return item


def test_findings_move_heart_and_mediastinum():
    patient = _PATIENT
    assert 0.54 <= deform(patient, (_only("cardiomegaly", 0.0, None),)).ctr <= 0.70
    fluid = deform(patient, (_only("pleural_effusion", 0.9, "right"),))
    assert fluid.shift_mediastinum > 0.02, "a large right effusion pushes to the left"
    tension = deform(patient, (_only("pneumothorax", 0.9, "left"),))
    assert tension.shift_mediastinum < -0.02
    collapse = deform(patient, (_only("atelectasis", 0.5, "right"),))
    assert collapse.shift_mediastinum < 0, "lost volume pulls"
    assert collapse.lift[0] > 0.05 > collapse.lift[1]
    assert deform(patient, ()) == patient


def test_emphysema_lowers_and_flattens_the_domes_and_narrows_the_heart():
    ill = deform(_PATIENT, (_only("emphysema", 0.8, None),))
    for side in (RIGHT, LEFT):
        assert dome_y(ill, side) > dome_y(_PATIENT, side) + 0.08
    assert ill.sulcus < _PATIENT.sulcus - 0.06, "flat"
    assert ill.dome + ill.sulcus < _PATIENT.dome + _PATIENT.sulcus + 0.03, "stays on the film"
    assert ill.ctr < 0.85 * _PATIENT.ctr
    assert ill.heart_height > _PATIENT.heart_height
    assert ill.vessels < _PATIENT.vessels
    assert ill.rib_fall < _PATIENT.rib_fall


def test_fibrosis_makes_both_lungs_small():
    ill = deform(_PATIENT, (_only("pulmonary_fibrosis", 0.8, "bilateral"),))
    assert min(ill.lift) > 0.09
    assert ill.shift_mediastinum == _PATIENT.shift_mediastinum


def test_a_thick_rind_pulls_and_an_apical_cap_does_not():
    rind = deform(_PATIENT, (_only("pleural_thickening", 0.9, "right", "peripheral"),))
    assert rind.shift_mediastinum < -0.015
    assert rind.lift[RIGHT] > 0.03 > rind.lift[LEFT]
    cap = deform(_PATIENT, (_only("pleural_thickening", 0.9, "right", "apex"),))
    assert cap == _PATIENT


def test_a_stomach_in_the_chest_leaves_no_bubble_below():
    large = deform(_PATIENT, (_only("hernia", 0.7, None),))
    assert large.gas == 0
    assert _PATIENT.gas > 0


@pytest.mark.parametrize("category", ["vascular_congestion", "pulmonary_edema"])
def test_the_upper_vessels_widen_with_the_strength(category):
    widths = [
        deform(_PATIENT, (_only(category, low, "bilateral"),)).redistribution
        for low in (0.0, 0.5, 0.95)
    ]
    assert widths == sorted(widths)
    assert widths[0] > 0.25


def test_effects_add_up():
    both = (_only("pulmonary_fibrosis", 0.8, "bilateral"), _only("hernia", 0.7, None))
    ill = deform(_PATIENT, both)
    assert ill.gas == 0
    assert min(ill.lift) > 0.09
