import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iki_knowledge import Finding, load_knowledge
from iki_knowledge.inject import explanation, location_words, unsaid_region
from iki_knowledge.resolve import enclosing
from iki_knowledge.schema import Entry

KB = load_knowledge()
VOCABULARY = KB.vocabulary
FINDING = Finding(category="pneumonia", severity="mild", side="left", region="lower_lobe")
MILD = (
    "An early infection of the lung seen as a few faint patchy white areas of small extent with "
    "blurred borders in one zone of one side."
)
PLAIN = (
    "An infection of the lung seen as patchy or confluent white areas with blurred borders that "
    "fill a segment or lobe, often in the lower zones of one side, with air bronchograms. Bacteria "
    "are the usual cause."
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (
            "paper",
            f"mild left lower lobe pneumonia, where pneumonia is a{MILD[1:]}",
        ),
        ("official", f"mild left lower lobe pneumonia. {MILD}"),
        ("triplet", "mild left lower lobe pneumonia"),
        ("category", "pneumonia"),
        ("explanation", MILD),
        ("radiograph", "This is an X-ray image of pneumonia"),
    ],
)
def test_golden_texts(template, text):
    assert KB.text(FINDING, template) == text


@pytest.mark.parametrize(
    ("parts", "triplet"),
    [
        ({}, "pneumonia"),
        ({"severity": "severe"}, "severe pneumonia"),
        ({"side": "right"}, "right-sided pneumonia"),
        ({"side": "bilateral"}, "bilateral pneumonia"),
        ({"region": "perihilar"}, "perihilar pneumonia"),
        ({"side": "right", "region": "base"}, "right basilar pneumonia"),
        ({"severity": "mild", "side": "left", "region": "lingula"}, "mild left lingular pneumonia"),
    ],
)
def test_missing_parts_leave_no_gap(parts, triplet):
    finding = Finding(category="pneumonia", **parts)
    assert KB.text(finding, "triplet") == triplet
    assert KB.text(finding, "paper").startswith(f"{triplet}, where pneumonia is an ")


def test_paper_without_parts():
    assert KB.text(Finding(category="pneumonia")) == f"pneumonia, where pneumonia is a{PLAIN[1:]}"


def test_presence_and_trend_do_not_change_the_text():
    seen = Finding(category="pneumonia")
    for other in ({"presence": "absent"}, {"presence": "uncertain"}, {"trend": "new"}):
        assert KB.text(Finding(category="pneumonia", **other)) == KB.text(seen)


findings = st.builds(
    Finding,
    category=st.sampled_from(sorted(KB)),
    severity=st.sampled_from([None, *VOCABULARY.severities]),
    side=st.sampled_from([None, "left", "right", "bilateral"]),
    region=st.sampled_from([None, *VOCABULARY.regions]),
)


@given(findings)
def test_every_text_is_one_clean_line_that_says_severity_name_and_explanation(finding):
    name = KB[finding.category].name
    explained = KB.text(finding, "explanation")
    for template in ("paper", "official", "triplet"):
        text = KB.text(finding, template)
        assert "  " not in text
        assert "None" not in text
        assert "\n" not in text
        assert text.strip() == text
        assert text.startswith(finding.severity or "")
        assert name in text
        assert finding.side is None or finding.side in text
        if template != "triplet":
            assert text.endswith(explained[1:])


# With these regions the words name another category, or none, and rightly so.
OTHER_NAMES = {
    ("emphysema", "mediastinum"),
    ("emphysema", "chest_wall"),
    ("calcification", "chest_wall"),
    ("tuberculosis", "spine"),
    ("hematoma", "mediastinum"),
}


@pytest.mark.parametrize("side", [None, "left", "right", "bilateral"])
def test_the_triplet_reads_back_as_the_finding(side):
    """What `text` writes, `finding` reads: the wording of locations is the vocabulary's own."""
    named = [region.id for region in VOCABULARY.regions.values() if region.named]
    for category, region in itertools.product(KB, [None, *named]):
        finding = Finding(category=category, severity="mild", side=side, region=region)
        back = KB.finding(KB.text(finding, "triplet"))
        if (category, region) in OTHER_NAMES:
            continue
        assert back is not None
        # The region may make it a narrower one: a fracture of a rib is a rib fracture.
        assert category in (back.category, *KB.ancestors(back.category))
        assert back.severity == "mild"
        if region is not None and unsaid_region(KB[category], region, VOCABULARY):
            # The name's own place may lie inside the finding's region.
            assert back.region == region or region in enclosing(back.region, VOCABULARY)
        if "right" in KB[category].name:
            continue  # a right aortic arch has its side in its name
        if side is not None and (region is None or VOCABULARY.regions[region].side is None):
            assert back.side == side


def test_location_words():
    assert location_words(None, None, VOCABULARY) == ""
    assert location_words("left", None, VOCABULARY) == "left-sided"
    assert location_words("bilateral", "base", VOCABULARY) == "bilateral basilar"
    assert location_words(None, "hilum", VOCABULARY) == "hilar"


def test_a_region_in_the_name_is_not_said_twice():
    regions = [region.id for region in VOCABULARY.regions.values() if region.named]
    said = {(c, r) for c in KB for r in regions if unsaid_region(KB[c], r, VOCABULARY) != r}
    assert said == {
        ("blunted_costophrenic_angle", "costophrenic_angle"),
        ("chest_deformity", "chest_wall"),
        ("clavicle_fracture", "clavicle"),
        ("degenerative_spine", "spine"),
        ("enlarged_cardiomediastinum", "mediastinum"),
        ("fissural_thickening", "fissure"),
        ("hilar_enlargement", "hilum"),
        ("hyperostosis", "diffuse"),
        ("mediastinal_lipomatosis", "mediastinum"),
        ("mediastinal_mass", "mediastinum"),
        ("mediastinal_shift", "mediastinum"),
        ("pneumomediastinum", "mediastinum"),
        ("rib_fracture", "rib"),
    }
    finding = Finding(category="hilar_enlargement", side="left", region="hilum")
    assert KB.text(finding, "triplet") == "left-sided hilar enlargement"


def test_the_roots_of_the_tree_are_not_said():
    finding = Finding(category="nodule", side="left", region="lung")
    assert KB.text(finding, "triplet") == "left-sided lung nodule"


def _entry(**fields):
    return Entry(
        id="x",
        name="x",
        group="lungs",
        explanation="plain",
        attributes=("shape:round",),
        by_severity={"small": "the small one", "mild": "the mild one"},
        by_place={
            "apex": "the apical one",
            "left": "the left one",
            "right apex": "the right apical one",
        },
        **fields,
    )


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({}, "plain"),
        ({"severity": "small"}, "the small one"),
        ({"severity": "mild"}, "the mild one"),
        ({"severity": "severe"}, "plain"),
        ({"severity": "severe", "region": "apex"}, "the apical one"),
        ({"region": "apex", "side": "left"}, "the apical one"),
        ({"region": "base", "side": "left"}, "the left one"),
        ({"region": "apex", "side": "right"}, "the right apical one"),
        ({"region": "base", "side": "right"}, "plain"),
        ({"severity": "small", "region": "apex"}, "the small one"),
    ],
)
def test_severity_then_region_then_side_then_plain(asked, text):
    assert explanation(_entry(), VOCABULARY, **asked) == text


def test_a_severity_of_the_same_rank_serves():
    assert KB.explain("pleural_effusion", severity="mild") == KB.explain(
        "pleural_effusion", severity="small"
    )
    assert KB.explain("pulmonary_edema", severity="large") == KB.explain(
        "pulmonary_edema", severity="severe"
    )
