"""Pairs of findings that may and may not meet, and whether each label can be seen."""

from itertools import combinations

import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_model.phantom import PhantomConfig, plan_phantom
from medfilip_model.phantom.coexist import compatible
from medfilip_model.phantom.generate import streams
from medfilip_model.phantom.planned import Planned
from medfilip_model.phantom.render import render


def _item(category, strength=0.5, side="right", region=None):
    return Planned(Finding(category=category, side=side, region=region), strength, 0)


@pytest.mark.parametrize(
    ("a", "b", "together"),
    [
        (_item("pneumothorax"), _item("pleural_effusion"), False),
        (_item("pneumothorax"), _item("pleural_effusion", side="left"), True),
        (_item("pneumothorax"), _item("pulmonary_edema", side="bilateral"), False),
        (_item("pneumothorax"), _item("cardiomegaly", side=None), True),
        (_item("pneumothorax"), _item("pacemaker"), True),
        (_item("nodule", region="mid"), _item("nodule", region="upper"), False),
        (_item("covid19", side="bilateral"), _item("pulmonary_edema", side="bilateral"), False),
        (_item("covid19", side="bilateral"), _item("pneumonia", region="lower_lobe"), False),
        (_item("nodule", region="lower"), _item("consolidation", region="middle_lobe"), False),
        (_item("nodule", region="upper"), _item("consolidation", region="middle_lobe"), True),
        (_item("pleural_effusion", 0.9), _item("atelectasis", region="base"), False),
        (_item("pleural_effusion", 0.1), _item("atelectasis", region="base"), True),
        (_item("pleural_effusion", 0.9), _item("nodule", region="mid"), False),
        (_item("pleural_effusion", 0.5), _item("nodule", region="mid"), True),
        (_item("pleural_effusion", 0.9, "left"), _item("cardiomegaly", side=None), False),
        (_item("pleural_effusion", 0.9, "right"), _item("cardiomegaly", side=None), True),
        (_item("cardiomegaly", 0.9, None), _item("consolidation", 0.5, "left", "lingula"), False),
        (
            _item("cardiomegaly", 0.9, None),
            _item("pneumonia", 0.5, "left", "upper_lobe"),
            True,
        ),
        (_item("cardiomegaly", 0.9, None), _item("nodule", 0.5, "left", "upper"), True),
        (_item("pulmonary_edema", 0.9, "bilateral"), _item("pleural_effusion", 0.9), True),
        (_item("emphysema", side=None), _item("cardiomegaly", side=None), False),
        (_item("emphysema", side=None), _item("pulmonary_fibrosis", side="bilateral"), False),
        (_item("emphysema", side=None), _item("mass", region="mid"), True),
        (_item("emphysema", side=None), _item("pneumothorax"), False),
        (
            _item("vascular_congestion", side="bilateral", region="perihilar"),
            _item("pulmonary_edema", side="bilateral"),
            False,
        ),
        (
            _item("vascular_congestion", side="bilateral", region="perihilar"),
            _item("cardiomegaly", side=None),
            True,
        ),
        (
            _item("vascular_congestion", side="bilateral", region="perihilar"),
            _item("mass", region="upper"),
            False,
        ),
        (
            _item("pulmonary_fibrosis", side="bilateral", region="base"),
            _item("consolidation", region="lower_lobe"),
            False,
        ),
        (
            _item("pulmonary_fibrosis", side="bilateral", region="base"),
            _item("mass", region="upper"),
            True,
        ),
        (_item("pleural_thickening", region="peripheral"), _item("pleural_effusion"), False),
        (_item("pleural_thickening", region="apex"), _item("pleural_effusion"), True),
        (
            _item("pleural_thickening", region="peripheral"),
            _item("pleural_effusion", side="left"),
            True,
        ),
        (
            _item("pleural_thickening", region="peripheral"),
            _item("rib_fracture", region="rib"),
            False,
        ),
        (_item("pneumothorax"), _item("rib_fracture", region="rib"), True),
        (_item("rib_fracture", region="rib"), _item("healed_fracture", region="rib"), False),
        (_item("pleural_effusion", 0.9), _item("rib_fracture", region="rib"), False),
        (_item("hernia", side=None, region="retrocardiac"), _item("pneumothorax"), True),
        (_item("mass", region="mid"), _item("nodule", region="mid"), False),
        (_item("mass", region="mid"), _item("nodule", region="upper"), True),
        (_item("endotracheal_tube", side=None), _item("enteric_tube", side=None), True),
        (_item("sternotomy", side=None), _item("pneumothorax"), True),
    ],
)
def test_pairs(a, b, together):
    assert compatible(a, b) is compatible(b, a) is together


def test_impossible_pairs_never_meet():
    for plan in [plan_phantom(PhantomConfig(normal_share=0.0), index) for index in range(300)]:
        for a, b in combinations(plan.planned, 2):
            names = {a.finding.category, b.finding.category}
            assert len(names) == 2
            if set(a.sides) & set(b.sides):
                assert names != {"pneumothorax", "pleural_effusion"}
                assert names != {"pulmonary_edema", "covid19"}
                assert names != {"pneumothorax", "granuloma"}
                assert names != {"pneumothorax", "emphysema"}
            assert names != {"emphysema", "cardiomegaly"}


def test_every_label_of_a_busy_image_can_be_seen():
    """Leave one finding out: its mask must change, however many others there are."""
    config = PhantomConfig(size=96, seed=31, normal_share=0.0, incidental_share=0.4)
    seen = []
    for index in range(60):
        plan = plan_phantom(config, index)
        if len(plan.planned) < 2:
            continue
        source = streams(config.seed, index)
        full = render(plan.patient, plan.exposure, plan.planned, config.size, source)
        for number, item in enumerate(plan.planned):
            rest = plan.planned[:number] + plan.planned[number + 1 :]
            bare = render(plan.patient, plan.exposure, rest, config.size, source)
            change = np.abs(full.image - bare.image)[full.masks[number]].mean()
            seen.append((change, item.finding.category, index))
    assert len(seen) > 40
    assert min(seen)[0] > 0.004, min(seen)
    assert np.median([change for change, _, _ in seen]) > 0.05
