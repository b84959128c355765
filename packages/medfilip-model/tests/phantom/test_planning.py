import functools
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iki_knowledge import load_knowledge
from medfilip_model.phantom import (
    INCIDENTAL_CATEGORIES,
    SEEN_CATEGORIES,
    UNSEEN_CATEGORIES,
    PhantomConfig,
    plan_phantom,
)
from medfilip_model.phantom.patient import draw_patient
from medfilip_model.phantom.planning import SEVERITIES, compatible, deform, draw_finding


@functools.cache
def _plans(count, **changes):
    config = PhantomConfig(**changes)
    return [plan_phantom(config, index) for index in range(count)]


def test_shares_come_out_as_asked():
    plans = _plans(900)
    counts = [sum(f.category not in INCIDENTAL_CATEGORIES for f in plan.findings) for plan in plans]
    assert np.mean([count == 0 for count in counts]) == pytest.approx(0.33, abs=0.05)
    assert max(counts) == 4
    for name in SEEN_CATEGORIES:
        share = np.mean([name in {f.category for f in plan.findings} for plan in plans])
        assert 0.06 < share < 0.22, name


def test_every_severity_side_and_region_occurs():
    findings = [f for plan in _plans(900) for f in plan.findings]
    for name in SEEN_CATEGORIES:
        mine = [f for f in findings if f.category == name]
        assert {f.severity for f in mine} == set(SEVERITIES[name])
    effusions = {f.side for f in findings if f.category == "pleural_effusion"}
    assert effusions == {"left", "right", "bilateral"}
    lobes = {(f.side, f.region) for f in findings if f.category == "consolidation"}
    assert lobes == {
        *(("right", lobe) for lobe in ("upper_lobe", "middle_lobe", "lower_lobe")),
        *(("left", lobe) for lobe in ("upper_lobe", "lingula", "lower_lobe")),
    }


def test_unseen_classes_only_when_asked():
    seen = {f.category for plan in _plans(900) for f in plan.findings}
    assert not seen & set(UNSEEN_CATEGORIES)
    half = _plans(200, unseen_share=0.5)
    share = np.mean([any(f.category == "covid19" for f in plan.findings) for plan in half])
    assert share == pytest.approx(0.5, abs=0.1)


def test_named_classes_rule():
    one = _plans(60, classes=("nodule",), normal_share=0.0, incidental_share=0.0)
    assert all([f.category for f in plan.findings] == ["nodule"] for plan in one)
    fewer = _plans(200, classes=SEEN_CATEGORIES[:5])
    assert {f.category for plan in fewer for f in plan.findings} <= {
        *SEEN_CATEGORIES[:5],
        *INCIDENTAL_CATEGORIES,
    }


@settings(max_examples=40, deadline=None)
@given(
    classes=st.lists(st.sampled_from(SEEN_CATEGORIES + UNSEEN_CATEGORIES), min_size=1, unique=True),
    seed=st.integers(0, 2**63 - 1),
    index=st.integers(0, 10**9),
    shares=st.tuples(*[st.floats(0, 1)] * 3),
    limit=st.integers(1, 4),
)
def test_any_recipe_gives_an_honest_plan(classes, seed, index, shares, limit):
    config = PhantomConfig(
        classes=tuple(classes),
        seed=seed,
        normal_share=shares[0],
        unseen_share=shares[1],
        incidental_share=shares[2],
        max_findings=limit,
    )
    plan = plan_phantom(config, index)
    main = [p for p in plan.planned if p.finding.category not in INCIDENTAL_CATEGORIES]
    assert len(main) <= limit
    assert len(plan.planned) - len(main) <= 1
    assert all(compatible(a, b) for a, b in combinations(plan.planned, 2))
    assert all(0 <= p.strength < 1 and p.finding.presence == "present" for p in plan.planned)
    assert plan.report.findings
    assert plan.report.impression
    assert plan == plan_phantom(config, index)


def test_a_weight_of_nought_silences_a_class():
    config = PhantomConfig(weights={"pneumothorax": 0.0, "nodule": 5.0})
    names = [f.category for index in range(200) for f in plan_phantom(config, index).findings]
    assert "pneumothorax" not in names
    assert names.count("nodule") > 2 * names.count("consolidation")


def test_impossible_pairs_never_meet():
    for plan in _plans(900):
        for a, b in combinations(plan.planned, 2):
            names = {a.finding.category, b.finding.category}
            assert len(names) == 2
            if set(a.sides) & set(b.sides):
                assert names != {"pneumothorax", "pleural_effusion"}
                assert names != {"pulmonary_edema", "covid19"}
                assert names != {"pneumothorax", "granuloma"}


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
