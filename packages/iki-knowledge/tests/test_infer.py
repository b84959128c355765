import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iki_knowledge import Entry, UnknownCategoryError, UnknownNameError
from iki_knowledge.infer import NOISE, infer, neighbours, subclass_attributes


def entry(name: str, *attributes: str, **fields: object) -> Entry:
    return Entry.model_validate(
        {"id": name, "name": name, "group": "g", "explanation": "x", "attributes": attributes}
        | fields
    )


SMALL = {"explanation": "x", "shows": ["s:thin"], "lacks": ["s:wide"]}
ENTRIES = {
    "one": entry("one", "s:a", "s:b", "s:c"),
    "two": entry("two", "s:a", "s:b", "s:d"),
    "three": entry(
        "three", "s:e", "s:wide", severities=["small"], by_severity={"small": SMALL},
        by_place={"left": {"explanation": "x", "shows": ["s:l"]}},
    ),
}  # fmt: skip


def test_neighbours_by_hand():
    near, far = neighbours("one", ENTRIES)
    assert (near.category, near.distance) == ("two", 2)
    assert (near.shared, near.only_here, near.only_there) == (("s:a", "s:b"), ("s:c",), ("s:d",))
    assert (far.category, far.distance, far.shared) == ("three", 5, ())


def test_the_posterior_by_hand():
    found = {item.category: item for item in infer({"s:a": 1, "s:b": 1, "s:c": 1}, ENTRIES)}
    # One shows three of the seen attributes, two shows two, three none whatever its subclass:
    # odds w^3 : w^2 : 1.
    w = (1 - NOISE) / NOISE
    total = w**3 + w**2 + 1
    assert math.isclose(found["one"].probability, w**3 / total)
    assert math.isclose(found["two"].probability, w**2 / total)
    assert math.isclose(found["three"].probability, 1 / total)


def test_what_decided_is_what_the_rival_lacks():
    best, second, _ = infer({"s:a": 1, "s:b": 1, "s:c": 1, "s:d": 0}, ENTRIES)
    assert (best.category, best.decided_by, best.missing) == ("one", ("s:c", "s:a", "s:b"), ())
    assert (second.category, second.decided_by, second.missing) == ("two", ("s:a", "s:b"), ("s:d",))


def test_a_subclass_is_named_when_it_fits_better():
    best = infer({"s:e": 1.0, "s:wide": 0.0, "s:thin": 1.0, "s:l": 0.0}, ENTRIES)[0]
    assert (best.category, best.severity, best.place) == ("three", "small", None)
    best = infer({"s:e": 1.0, "s:wide": 1.0, "s:thin": 0.0, "s:l": 1.0}, ENTRIES)[0]
    assert (best.category, best.severity, best.place) == ("three", None, "left")
    assert subclass_attributes(ENTRIES["three"], "small") == {"s:e", "s:thin"}
    assert subclass_attributes(ENTRIES["three"], "left") == {"s:e", "s:wide", "s:l"}


def test_nothing_seen_leaves_all_alike():
    assert [item.category for item in infer({}, ENTRIES)] == ["one", "three", "two"]
    assert {round(item.probability, 9) for item in infer({}, ENTRIES)} == {round(1 / 3, 9)}


scores = st.dictionaries(
    st.sampled_from(["s:a", "s:b", "s:c", "s:d", "s:e", "s:wide"]), st.floats(0, 1)
)


@given(scores)
def test_probabilities_are_a_distribution_in_order(given_scores):
    found = infer(given_scores, ENTRIES)
    assert math.isclose(sum(item.probability for item in found), 1)
    assert [i.probability for i in found] == sorted((i.probability for i in found), reverse=True)
    assert {item.category for item in found} == set(ENTRIES)


@given(scores, st.floats(0, 1))
def test_seeing_more_of_an_attribute_never_hurts_who_shows_it(given_scores, more):
    low = {**given_scores, "s:c": min(more, given_scores.get("s:c", more))}
    high = {**given_scores, "s:c": max(more, given_scores.get("s:c", more))}
    before, after = (
        next(i.probability for i in infer(s, ENTRIES) if i.category == "one") for s in (low, high)
    )
    assert after >= before or math.isclose(after, before)


def test_every_category_is_inferred_from_its_own_attributes(kb):
    for name in kb:
        seen = {attribute.id: 0.0 for attribute in kb.attributes}
        best, second, *_ = kb.infer({**seen, **dict.fromkeys(kb[name].attributes, 1.0)})
        assert best.category == name
        assert best.probability > second.probability
        assert set(best.decided_by) == set(kb[name].attributes)


def test_a_tenth_of_misread_attributes_seldom_misleads(kb):
    """The figure of the README on a smaller draw; `benchmarks/inference.py` prints it in full."""
    draw = random.Random(1)
    names = [attribute.id for attribute in kb.attributes]
    ranks: list[int] = []
    for name in kb:
        for _ in range(2):
            wrong = set(draw.sample(names, round(len(names) / 10)))
            shown = set(kb[name].attributes)
            seen = {a: float((a in shown) != (a in wrong)) for a in names}
            ranks.append([item.category for item in kb.infer(seen)].index(name))
    assert sum(rank == 0 for rank in ranks) / len(ranks) >= 0.90
    assert sum(rank < 3 for rank in ranks) / len(ranks) >= 0.98


def test_every_subclass_is_inferred_from_its_attributes(kb):
    for name in kb:
        for field in ("by_severity", "by_place"):
            for key, subclass in getattr(kb[name], field).items():
                if not subclass.shows and not subclass.lacks:
                    continue
                seen = {attribute.id: 0.0 for attribute in kb.attributes}
                shown = dict.fromkeys(subclass_attributes(kb[name], key), 1.0)
                found = next(i for i in kb.infer({**seen, **shown}) if i.category == name)
                assert (found.severity if field == "by_severity" else found.place) == key


def test_what_does_not_exist_is_named(kb):
    with pytest.raises(UnknownNameError, match="'shape:rond'; did you mean 'shape:round'"):
        kb.infer({"shape:rond": 1})
    with pytest.raises(ValueError, match=r"'shape:round' is 2; it must lie in \[0, 1\]"):
        kb.infer({"shape:round": 2})
    with pytest.raises(UnknownCategoryError, match="'penumonia'"):
        kb.nearest("penumonia")


def test_nearest_is_symmetric(kb):
    for name in kb:
        for item in kb.nearest(name, 3):
            back = next(n for n in kb.nearest(item.category, len(kb)) if n.category == name)
            assert (back.distance, set(back.shared)) == (item.distance, set(item.shared))
            assert back.only_here == item.only_there
