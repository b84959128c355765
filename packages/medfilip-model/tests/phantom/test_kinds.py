from iki_knowledge import load_knowledge
from medfilip_model.phantom import INCIDENTAL_CATEGORIES, SEEN_CATEGORIES, UNSEEN_CATEGORIES
from medfilip_model.phantom.kinds import DEVICES, KINDS, OLD_SCARS, SEVERITIES


def test_every_category_has_a_kind_and_no_other():
    assert set(KINDS) == {*SEEN_CATEGORIES, *UNSEEN_CATEGORIES, *INCIDENTAL_CATEGORIES}
    assert len(SEEN_CATEGORIES) == 16
    assert {*DEVICES, *OLD_SCARS} == set(INCIDENTAL_CATEGORIES)
    assert not set(DEVICES) & set(OLD_SCARS)


def test_severities_regions_and_categories_are_the_dictionary_s():
    kb = load_knowledge()
    lobes = {"upper_lobe", "middle_lobe", "lower_lobe", "lingula", "upper", "mid", "lower", "base"}
    for name, kind in KINDS.items():
        entry = kb[name]
        assert set(kind.severities) - {None} <= set(entry.severities), name
        regions = {*kind.regions, *(region for _, region in kind.by_strength)} - {None}
        known = {*entry.regions, *lobes, "apex", "costophrenic_angle", "perihilar", "hilum"}
        assert regions <= known, name


def test_a_graded_category_tells_the_truth_s_severities():
    assert all(SEVERITIES[name] == KINDS[name].severities for name in SEVERITIES)
    assert "granuloma" not in SEVERITIES
