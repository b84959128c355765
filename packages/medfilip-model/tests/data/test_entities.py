import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_model.data.entities import Entities
from medfilip_model.data.samples import Sample
from medfilip_model.errors import ConfigError

NAN = float("nan")
PLACES = ("left", "right", "lower", "base", "right base", "upper", "lingula")


def where(kb, *findings: Finding | None, category: str = "pleural_effusion") -> list[float]:
    """The places of one image that shows some findings."""
    found = None if findings == (None,) else findings
    sample = Sample("a", "a", "train", found)
    return Entities((category,), PLACES, kb).where([sample])[0, 0].tolist()


def effusion(**stated: object) -> Finding:
    return Finding(category="pleural_effusion", **stated)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        # left right lower base right-base upper lingula
        ({}, [NAN, NAN, NAN, NAN, NAN, NAN, NAN]),
        ({"side": "right"}, [0, 1, NAN, NAN, NAN, NAN, 0]),
        ({"side": "bilateral"}, [1, 1, NAN, NAN, NAN, NAN, NAN]),
        ({"region": "base"}, [NAN, NAN, 1, 1, NAN, 0, 0]),
        ({"side": "right", "region": "base"}, [0, 1, 1, 1, 1, 0, 0]),
        ({"side": "left", "region": "lower"}, [1, 0, 1, NAN, 0, 0, 0]),
        ({"side": "bilateral", "region": "base"}, [1, 1, 1, 1, 1, 0, 0]),
        ({"region": "lingula"}, [1, 0, 0, 0, 0, 1, 1]),
        ({"region": "diffuse"}, [NAN, NAN, NAN, NAN, NAN, NAN, NAN]),
        ({"side": "left", "region": "diffuse"}, [1, 0, NAN, NAN, 0, NAN, NAN]),
    ],
)
def test_a_stated_place_is_in_wider_ones_and_maybe_in_narrower_ones(kb, stated, expected):
    np.testing.assert_array_equal(where(kb, effusion(**stated)), expected)


def test_what_is_absent_is_nowhere_and_what_is_unknown_is_not_known(kb):
    assert where(kb) == [0] * 7
    assert where(kb, effusion(presence="absent", side="left")) == [0] * 7
    np.testing.assert_array_equal(where(kb, None), [NAN] * 7)
    np.testing.assert_array_equal(where(kb, effusion(presence="uncertain", side="left")), [NAN] * 7)


def test_several_findings_add_up(kb):
    both = where(kb, effusion(side="right", region="base"), effusion(side="left"))
    np.testing.assert_array_equal(both, [1, 1, 1, 1, 1, NAN, NAN])


def test_a_doubtful_twin_leaves_its_place_open(kb):
    twin = effusion(side="right", region="base", presence="uncertain")
    np.testing.assert_array_equal(
        where(kb, effusion(side="left", region="upper"), twin), [1, NAN, NAN, NAN, NAN, 1, NAN]
    )


def test_a_finding_places_its_broader_categories_too(kb):
    assert "pleural_effusion" in kb.ancestors("empyema")
    empyema = Finding(category="empyema", side="left", region="base")
    sample = Sample("a", "a", "train", (empyema,))
    entities = Entities(("pleural_effusion", "mass", "empyema"), ("left", "right"), kb)
    assert entities.labels([sample]).tolist() == [[1, 0, 1]]
    assert entities.where([sample])[0].tolist() == [[1, 0], [0, 0], [1, 0]]


def test_places_are_those_of_affirmed_findings_of_the_entities(kb):
    samples = [
        Sample("a", "a", "train", (effusion(side="bilateral", region="base"),)),
        Sample("b", "b", "train", (effusion(region="apex", presence="absent"),)),
        Sample("c", "c", "train", (Finding(category="mass", region="lingula"),)),
        Sample("d", "d", "train", (Finding(category="nodule", region="mid"),)),
        Sample("e", "e", "train", None),
    ]
    entities = Entities.of(("pleural_effusion", "mass"), samples, kb)
    assert entities.places == ("left", "right", "base", "left base", "right base", "lingula")
    assert Entities(entities.categories, entities.places, kb).where(samples).shape == (5, 2, 6)
    assert Entities.of(("hernia",), samples, kb).places == ()
    assert Entities.of(("hernia",), samples, kb).where(samples).shape == (5, 1, 0)


@pytest.mark.parametrize("name", ["basis", "left basis", "bilateral", "", "left left"])
def test_an_unknown_place(kb, name):
    with pytest.raises(ConfigError, match=rf"place {name!r} names no side and no region"):
        Entities(("mass",), ("left", name), kb)
