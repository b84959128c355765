from collections import Counter

from gpt_ie.evaluate.matching import Matcher, Triplet
from gpt_ie.evaluate.slots import (
    SlotCounts,
    pair_within_categories,
    presences,
    slot_counts,
    slot_kinds,
)
from iki_knowledge import Finding, KnowledgeBase


def test_pairs_are_those_that_agree_most():
    gold = [Triplet("mass", "small", "left"), Triplet("mass", "", "right"), Triplet("hernia")]
    said = [Triplet("mass", "", "right", "base"), Triplet("mass", "small", "left"), Triplet("cyst")]
    assert sorted(pair_within_categories(gold, said)) == [
        (gold[1], said[0]),
        (gold[0], said[1]),
    ]


def test_pairs_of_a_category_that_agree_in_nothing_are_pairs_too():
    pair = (Triplet("mass", "small", "left", "base"), Triplet("mass", "large", "right", "upper"))
    assert pair_within_categories([pair[0]], [pair[1]]) == [pair]


def test_each_kind_of_difference(kb: KnowledgeBase):
    matcher = Matcher(kb)

    def kinds(gold: Triplet, said: Triplet) -> tuple[str, ...]:
        return tuple(slot_kinds(gold, said, matcher).values())

    full = Triplet("mass", "small", "left", "upper_lobe")
    assert kinds(full, full) == ("right", "right", "right")
    assert kinds(full, Triplet("mass")) == ("silent", "silent", "silent")
    assert kinds(Triplet("mass"), full) == ("extra", "extra", "extra")
    assert kinds(Triplet("mass"), Triplet("mass")) == ("blank", "blank", "blank")
    assert kinds(full, Triplet("mass", "mild", "bilateral", "upper")) == ("near", "wrong", "near")
    assert kinds(full, Triplet("mass", "large", "right", "base")) == ("wrong", "wrong", "wrong")


def test_counts_and_shares():
    kinds = Counter({("side", "right"): 3, ("side", "wrong"): 1, ("side", "blank"): 4})
    kinds["side", "extra"] = 2
    side = slot_counts(kinds)["side"]
    assert side == SlotCounts(right=3, near=0, wrong=1, silent=0, extra=2, blank=4)
    assert side.pairs == 10
    assert side.accuracy == 0.7
    assert side.stated_accuracy == 0.75
    assert slot_counts(Counter())["region"].accuracy is None


def test_the_strongest_presence_counts():
    found = [
        Finding(category="mass", presence="absent"),
        Finding(category="mass", presence="uncertain"),
        Finding(category="hernia", presence="absent"),
    ]
    assert presences(found) == {"mass": "uncertain", "hernia": "absent"}
