import functools
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_model.phantom import (
    INCIDENTAL_CATEGORIES,
    SEEN_CATEGORIES,
    UNSEEN_CATEGORIES,
    PhantomConfig,
    plan_phantom,
)
from medfilip_model.phantom.coexist import compatible
from medfilip_model.phantom.kinds import SEVERITIES


@functools.cache
def _plans(count, **changes):
    config = PhantomConfig(**changes)
    return [plan_phantom(config, index) for index in range(count)]


def test_shares_come_out_as_asked():
    plans = _plans(1200)
    counts = [sum(f.category not in INCIDENTAL_CATEGORIES for f in plan.findings) for plan in plans]
    assert np.mean([count == 0 for count in counts]) == pytest.approx(0.30, abs=0.05)
    assert max(counts) == 4
    for name in SEEN_CATEGORIES:
        share = np.mean([name in {f.category for f in plan.findings} for plan in plans])
        assert 0.03 < share < 0.16, name


def test_every_severity_side_and_region_occurs():
    findings = [f for plan in _plans(1200) for f in plan.findings]
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
    seen = {f.category for plan in _plans(1200) for f in plan.findings}
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
    assert len(plan.planned) - len(main) <= 2
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
