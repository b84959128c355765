from itertools import permutations

import pytest
from gpt_ie.evaluate.matching import Matcher, Triplet, assign, literal_positives
from hypothesis import given, settings
from hypothesis import strategies as st
from iki_knowledge import Finding, KnowledgeBase


@pytest.fixture
def matcher(kb: KnowledgeBase) -> Matcher:
    return Matcher(kb)


def test_an_ancestor_is_related_and_a_sibling_is_not(matcher: Matcher):
    assert matcher.related("covid19", "lung_opacity")
    assert matcher.related("lung_opacity", "covid19")
    assert matcher.related("mass", "mass")
    assert not matcher.related("consolidation", "atelectasis")
    assert not matcher.related("mass", "not in the dictionary")


@pytest.mark.parametrize(
    ("one", "two", "agree"),
    [
        (Triplet("nodule", "small"), Triplet("nodule", "mild"), True),
        (Triplet("nodule", "small"), Triplet("nodule"), False),
        (Triplet("nodule", "small"), Triplet("nodule", "large"), False),
        (Triplet("nodule", "", "left", "upper_lobe"), Triplet("nodule", "", "left", "upper"), True),
        (Triplet("nodule", "", "left", "upper"), Triplet("nodule", "", "", "upper"), True),
        (Triplet("nodule", "", "left", "upper"), Triplet("nodule", "", "right", "upper"), False),
        (Triplet("nodule", "", "", "upper"), Triplet("nodule", "", "", "base"), False),
        (Triplet("nodule", "", "", "upper"), Triplet("nodule"), True),
        (Triplet("nodule", "", "", "upper"), Triplet("nodule", "", "", "no such"), False),
        (Triplet("nodule", "", "left", "upper"), Triplet("mass", "", "left", "upper"), False),
        (Triplet("granuloma", "", "left"), Triplet("nodule", "", "left"), True),
    ],
)
def test_relaxed_triplets(matcher: Matcher, one: Triplet, two: Triplet, agree: bool):
    assert matcher.relaxed(one, two) is agree
    assert matcher.relaxed(two, one) is agree


def test_positives_are_those_not_denied_each_once(matcher: Matcher):
    found = [
        Finding(category="mass", presence="absent"),
        Finding(category="nodule", severity="trace", trend="new", presence="uncertain"),
        Finding(category="nodule", severity="mild"),
    ]
    assert literal_positives(found) == [Triplet("nodule", "trace"), Triplet("nodule", "mild")]
    assert matcher.positives(found, {"trace": "mild"}) == [Triplet("nodule", "mild")]


def test_a_region_that_the_category_always_has_is_not_stated(matcher: Matcher, kb: KnowledgeBase):
    assert kb["degenerative_spine"].regions == ("spine",)
    found = [
        Finding(category="degenerative_spine", region="spine"),
        Finding(category="degenerative_spine"),
        Finding(category="degenerative_spine", region="base"),
    ]
    assert matcher.positives(found) == [
        Triplet("degenerative_spine"),
        Triplet("degenerative_spine", region="base"),
    ]


@given(
    st.lists(st.integers(0, 9), max_size=4),
    st.lists(st.integers(0, 9), max_size=4),
    st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9))),
)
@settings(deadline=None)
def test_as_many_pairs_as_any_way_of_pairing(
    gold: list[int], said: list[int], edges: set[tuple[int, int]]
):
    def matches(one: int, two: int) -> bool:
        return one == two or (one, two) in edges

    found = assign(gold, said, matches)
    assert all(matches(gold[i], said[k]) for i, k in found.items())
    assert len(set(found.values())) == len(found)
    padded = [*said, *[None] * len(gold)]
    best = max(
        sum(two is not None and matches(one, two) for one, two in zip(gold, chosen, strict=False))
        for chosen in permutations(padded, len(gold))
    )
    assert len(found) == best


def test_equal_ones_stay_together():
    found = assign(["a", "b"], ["b", "a"], lambda _one, _two: True)
    assert found == {0: 1, 1: 0}
