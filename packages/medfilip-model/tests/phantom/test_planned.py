import numpy as np
from medfilip_model.phantom import INCIDENTAL_CATEGORIES, SEEN_CATEGORIES, PhantomConfig
from medfilip_model.phantom.anatomy import LEFT, RIGHT
from medfilip_model.phantom.kinds import KINDS
from medfilip_model.phantom.planned import draw_finding, draw_incidental


def _many(category, count=400):
    rng = np.random.default_rng(5)
    return [draw_finding(rng, category, PhantomConfig(), 0) for _ in range(count)]


def test_the_strength_gives_the_severity():
    for name in SEEN_CATEGORIES:
        levels = KINDS[name].severities
        for item in _many(name, 40):
            assert item.finding.severity == levels[int(item.strength * len(levels))]


def test_every_side_and_region_of_the_table_comes_up():
    for name in SEEN_CATEGORIES:
        kind, items = KINDS[name], _many(name)
        regions = {region for _, region in kind.by_strength} or {
            *kind.regions,
            *(kind.left_regions or ()),
        }
        assert {item.finding.region for item in items} == regions
        sides = {
            "one": {"left", "right"},
            "either": {"left", "right", "bilateral"},
            "both": {"bilateral"},
            "left": {"left"},
            "none": {None},
        }[kind.sides]
        assert {item.finding.side for item in items} == sides


def test_sides_as_hemithoraces():
    items = _many("pleural_effusion")
    by_side = {item.finding.side: item.sides for item in items}
    assert by_side == {"left": (LEFT,), "right": (RIGHT,), "bilateral": (RIGHT, LEFT)}


def test_trends_come_as_often_as_asked():
    trends = [item.finding.trend for item in _many("mass", 2000)]
    assert 0.03 < np.mean([trend is not None for trend in trends]) < 0.07
    assert set(trends) == {None, "new", "stable", "improved", "worsened"}


def test_incidental_findings_come_alone_or_as_a_pair_that_belongs_together():
    rng = np.random.default_rng(0)
    seen = [draw_incidental(rng, 3) for _ in range(600)]
    assert {found[0].finding.category for found in seen} == set(INCIDENTAL_CATEGORIES)
    pairs = {tuple(p.finding.category for p in found) for found in seen if len(found) > 1}
    assert pairs == {("endotracheal_tube", "enteric_tube"), ("sternotomy", "surgical_clips")}
    assert all([p.stream for p in found] == [3, 4][: len(found)] for found in seen)
