import pytest
from hypothesis import given
from hypothesis import strategies as st
from iki_knowledge import Place, load_knowledge
from iki_knowledge.resolve import (
    enclosing,
    find_category,
    find_place,
    find_severity,
    find_trend,
    matches,
    normalise,
    singular,
    within,
    words,
)

KB = load_knowledge()
VOCABULARY = KB.vocabulary


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Pleural-Effusions", "pleural effusion"),
        ("pleural_effusion", "pleural effusion"),
        ("  ground–glass   opacities. ", "ground glass opacity"),
        ("pneumothoraces", "pneumothorax"),
        ("masses", "mass"),
        ("lung bases", "lung base"),
        ("apices", "apex"),
        ("metastases", "metastasis"),
        ("fibroses", "fibrosis"),
        ("bronchiectasis", "bronchiectasis"),
        ("pulmonary oedema", "pulmonary edema"),
        ("patches", "patch"),
        ("abscesses", "abscess"),
        ("gas", "gas"),
        ("…", ""),
    ],
)
def test_normalise(text, key):
    assert normalise(text) == key


@given(st.text(max_size=40))
def test_normalise_is_idempotent(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(alphabet="abcdehilmnorsuxy", min_size=1, max_size=14))
def test_singular_is_a_fixed_point(word):
    assert singular(singular(word)) == singular(word)


def _plural(word: str) -> str:
    """English and Greek plurals, written independently of `singular`."""
    if word.endswith(("osis", "ectasis", "stasis")):
        return word[:-2] + "es"
    if word.endswith("thorax"):
        return word[:-1] + "ces"
    if word.endswith(("ss", "x", "ch")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word if word.endswith("s") or len(word) < 3 or word[-1].isdigit() else word + "s"


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
@pytest.mark.parametrize("joint", [" ", "-", "_", "  "])
@pytest.mark.parametrize("plural", [False, True])
def test_every_alias_means_its_category_however_it_is_written(case, joint, plural):
    for surface, category in KB.surfaces.items():
        *head, last = surface.split()
        written = case(joint.join([*head, _plural(last) if plural else last]))
        assert KB.resolve(written) == category, written


def test_matches_prefers_the_longest_phrase_and_does_not_overlap():
    table = {"pleural": "P", "pleural effusion": "PE", "effusion": "E"}
    tokens = words("pleural effusion and effusion")
    assert list(matches(tokens, table)) == [(0, 2, "PE"), (3, 4, "E")]


def test_an_excluded_phrase_hides_the_alias_inside_it():
    assert find_category("mass effect", {"mass": "mass"}, {"mass effect"}) is None
    assert find_category("mass with mass effect", {"mass": "mass"}, {"mass effect"}) == (
        "mass",
        "category with mass effect",
    )


def test_longest_then_first():
    table = {"nodule": "n", "opacity": "o", "hazy opacity": "h"}
    assert find_category("nodule, hazy opacity", table) == ("h", "nodule category")
    assert find_category("nodule, opacity", table) == ("n", "category opacity")
    assert find_category("", table) is None


def test_taking_the_category_out_makes_no_new_phrase():
    # "small" and "to moderate" stand apart: together they would be one span, "small to moderate".
    found = find_category("small opacity to moderate degree", {"opacity": "o"})
    assert found == ("o", "small category to moderate degree")
    table = {"small to moderate": 1}
    assert list(matches(words(found[1]), table)) == []


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("tiny", "trace"),
        ("a minimal amount", "trace"),
        ("small-sized", "small"),
        ("slight", "mild"),
        ("moderately large", "large"),
        ("mild-to-moderate", "moderate"),
        ("moderate to severe", "severe"),
        ("massive", "severe"),
        ("new", None),
        ("left", None),
    ],
)
def test_severity(text, severity):
    assert find_severity(text, VOCABULARY) == severity


@pytest.mark.parametrize(
    ("text", "side", "region"),
    [
        ("bibasilar", "bilateral", "base"),
        ("bibasal", "bilateral", "base"),
        ("biapical", "bilateral", "apex"),
        ("retrocardiac", None, "retrocardiac"),
        ("right-sided", "right", None),
        ("left lower lobe", "left", "lower_lobe"),
        ("RLL", "right", "lower_lobe"),
        ("LUL", "left", "upper_lobe"),
        ("RML", "right", "middle_lobe"),
        ("right middle lobe", "right", "middle_lobe"),
        ("lingula", "left", "lingula"),
        ("lingular", "left", "lingula"),
        ("both", "bilateral", None),
        ("both lung bases", "bilateral", "base"),
        ("left and right", "bilateral", None),
        ("perihilar", None, "perihilar"),
        ("at the right apex", "right", "apex"),
        ("left costophrenic sulcus", "left", "costophrenic_angle"),
        ("left lower lung base", "left", "base"),
        ("right base and left apex", "bilateral", "base"),
        ("right upper lobes", "right", "upper_lobe"),
        ("left chest wall", "left", "chest_wall"),
        ("both lungs", "bilateral", None),
        ("left hemithorax", "left", None),
    ],
)
def test_place(text, side, region):
    place = find_place(text, VOCABULARY)
    assert place is not None
    assert (place.side, place.region) == (side, region)


def test_no_place():
    assert find_place("in the afternoon", VOCABULARY) is None


@pytest.mark.parametrize(
    ("text", "trend"),
    [
        ("unchanged", "stable"),
        ("no significant interval change", "stable"),
        ("new", "new"),
        ("increasing", "worsened"),
        ("has improved", "improved"),
        ("small", None),
    ],
)
def test_trend(text, trend):
    assert find_trend(text, VOCABULARY) == trend


def test_enclosing_regions_from_the_nearest():
    assert enclosing("costophrenic_angle", VOCABULARY) == ("base", "lower", "lung", "chest")
    assert enclosing("chest", VOCABULARY) == ()


@pytest.mark.parametrize(
    ("inner", "outer", "inside"),
    [
        (("right", "base"), ("right", "lung"), True),
        (("right", "base"), (None, "base"), True),
        (("right", "base"), ("right", None), True),
        (("right", "base"), ("left", "base"), False),
        (("right", "base"), ("bilateral", "base"), False),
        ((None, "base"), ("right", "base"), False),
        ((None, "lower"), (None, "base"), False),
        ((None, None), (None, "lung"), False),
        ((None, "rib"), (None, "lung"), False),
        ((None, None), (None, None), True),
    ],
)
def test_within(inner, outer, inside):
    places = [Place(side=side, region=region) for side, region in (inner, outer)]
    assert within(*places, VOCABULARY) is inside


@given(*[st.sampled_from([None, *VOCABULARY.regions])] * 3)
def test_within_is_transitive(a, b, c):
    first, second, third = (Place(region=region) for region in (a, b, c))
    if within(first, second, VOCABULARY) and within(second, third, VOCABULARY):
        assert within(first, third, VOCABULARY)
    assert within(first, first, VOCABULARY)


def test_roots_of_the_tree_are_named_by_no_phrase():
    assert find_place("lung", VOCABULARY) is None
    assert find_place("chest", VOCABULARY) is None
