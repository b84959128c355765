import numpy as np
from iki_knowledge import load_knowledge
from medfilip_model.phantom import INCIDENTAL_CATEGORIES, PhantomConfig
from medfilip_model.phantom.patient import draw_patient
from medfilip_model.phantom.planned import SEVERITIES, deform, draw_finding


def _only(category, strength_above, side):
    rng = np.random.default_rng(0)
    while True:
        item = draw_finding(rng, category, PhantomConfig(), 0)
        if item.strength > strength_above and item.finding.side == side:
            return item


def test_findings_move_the_anatomy():
    patient = draw_patient(np.random.default_rng(4))
    assert 0.54 <= deform(patient, (_only("cardiomegaly", 0.0, None),)).ctr <= 0.70
    fluid = deform(patient, (_only("pleural_effusion", 0.9, "right"),))
    assert fluid.shift_mediastinum > 0.02, "a large right effusion pushes to the left"
    tension = deform(patient, (_only("pneumothorax", 0.9, "left"),))
    assert tension.shift_mediastinum < -0.02
    collapse = deform(patient, (_only("atelectasis", 0.5, "right"),))
    assert collapse.shift_mediastinum < 0, "lost volume pulls"
    assert collapse.lift[0] > 0.05 > collapse.lift[1]
    assert deform(patient, ()) == patient


def test_severities_and_categories_are_the_dictionary_s():
    kb = load_knowledge()
    for name, levels in SEVERITIES.items():
        assert set(levels) - {None} <= set(kb[name].severities)
    for name in INCIDENTAL_CATEGORIES:
        assert kb[name].id == name
