import numpy as np
from medfilip_model.phantom.patient import draw_exposure, draw_patient


def _subjects(count):
    for seed in range(count):
        rng = np.random.default_rng(seed)
        patient = draw_patient(rng)
        yield patient, draw_exposure(rng, patient)


def test_lungs_stay_on_the_film_and_in_the_open_field():
    for patient, exposure in _subjects(400):
        x, y = patient.shift
        wall = patient.half_width * patient.scale
        left, right, top, bottom = exposure.borders
        assert x - wall > -1 + left - 0.02 - 1e-9
        assert x + wall < 1 - right + 0.02 + 1e-9
        assert y + patient.apex * patient.scale > -1 + top - 1e-9
        assert y + (patient.dome + patient.sulcus) * patient.scale < 1 - bottom + 1e-9


def test_a_normal_heart_and_a_higher_right_dome():
    for patient, _ in _subjects(200):
        assert 0.40 <= patient.ctr <= 0.48
        assert patient.dome_drop > 0
        assert patient.shift_mediastinum == 0
        assert patient.lift == (0.0, 0.0)


def test_only_women_have_breast_shadows_and_both_sexes_occur():
    people = [patient for patient, _ in _subjects(200)]
    assert {p.sex for p in people} == {"F", "M"}
    assert all((p.breast > 0) == (p.sex == "F") for p in people)


def test_anatomy_and_exposure_vary():
    people = list(_subjects(300))
    habitus = np.array([p.habitus for p, _ in people])
    assert habitus.min() < 0.15
    assert habitus.max() > 0.8
    assert np.std([p.age for p, _ in people]) > 10
    assert np.std([e.level for _, e in people]) > 0.1
    old, young = (
        np.mean([p.knob for p, _ in people if (p.age > 60) == senior]) for senior in (True, False)
    )
    assert old > young + 0.01
