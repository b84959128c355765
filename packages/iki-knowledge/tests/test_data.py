"""The packaged dictionary itself: complete, consistent, and said in its own words."""

import itertools
from importlib import resources

import pytest
import yaml
from iki_knowledge.resolve import LONGEST, normalise

NIH = {
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis",
    "Hernia", "Infiltration", "Mass", "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax",
}  # fmt: skip
BRIEF = {
    "atelectasis", "cardiomegaly", "consolidation", "pulmonary_edema", "pleural_effusion",
    "emphysema", "pulmonary_fibrosis", "hernia", "infiltration", "mass", "nodule",
    "pleural_thickening", "pneumonia", "pneumothorax", "lung_opacity", "fracture", "scoliosis",
    "granuloma", "support_device", "covid19",
}  # fmt: skip
GRADED = (
    "pleural_effusion", "pneumothorax", "pulmonary_edema", "cardiomegaly", "pneumonia",
    "consolidation", "atelectasis",
)  # fmt: skip


def test_coverage(kb):
    assert set(kb) >= BRIEF
    assert len(kb) >= 70


@pytest.mark.parametrize(
    ("dataset", "size"),
    [
        ("chestxray14", 14), ("chexpert14", 13), ("vinbigdata", 13), ("rsna", 1), ("siim", 1),
        ("covid", 3), ("covid_qu_ex", 2), ("six_entities", 6), ("mimic16", 15),
    ],
)  # fmt: skip
def test_class_lists(kb, dataset, size):
    classes = kb.classes(dataset)
    assert len(classes) == size
    assert set(classes.values()) <= set(kb)


def test_the_labels_of_chestxray14_are_its_own(kb):
    assert set(kb.classes("chestxray14")) == NIH


@pytest.mark.parametrize("dataset", ["chestxray14", "six_entities", "chexpert14"])
def test_a_label_means_what_its_words_mean(kb, dataset):
    for label, category in kb.classes(dataset).items():
        assert kb.resolve(label) == category


def test_every_form_is_there_once_and_short_enough(kb):
    for entry in kb.entries.values():
        for surface in (entry.id, entry.name, *entry.aliases):
            key = normalise(surface)
            assert kb.surfaces[key] == entry.id
            assert len(key.split()) <= LONGEST
        keys = [normalise(alias) for alias in entry.aliases]
        own = {normalise(entry.id), normalise(entry.name)}
        repeated = [key for key in keys if keys.count(key) > 1 or key in own]
        assert not repeated, f"{entry.id}: write each alias once: {repeated}"


def test_no_negated_or_normal_wording(kb):
    for surface in kb.surfaces:
        assert not {"no", "not", "without", "normal", "clear", "negative"} & set(surface.split())


def test_aliases_are_no_places_severities_or_trends(kb):
    taken = {*kb.vocabulary.places, *kb.vocabulary.severity_surfaces, *kb.vocabulary.trends}
    assert not taken & set(kb.surfaces)


def test_every_excluded_phrase_contains_an_alias(kb):
    for phrase in kb.excluded:
        parts = phrase.split()
        inside = {" ".join(parts[i:j]) for i, j in itertools.combinations(range(len(parts) + 1), 2)}
        assert inside & set(kb.surfaces), f"{phrase!r} excludes nothing"


def test_explanations_differ_and_read_well(kb):
    texts = [
        (entry.id, text)
        for entry in kb.entries.values()
        for text in (entry.explanation, *entry.by_severity.values(), *entry.by_place.values())
    ]
    assert len({text for _, text in texts}) == len(texts)
    for category, text in texts:
        assert text[0].isupper(), category
        assert text.endswith("."), category
        assert "  " not in text, category
        assert 8 <= len(text.split()) <= 60, category
        assert text.count(". ") <= 1, f"{category}: one or two sentences"


def test_seven_graded_findings_have_a_text_for_each_rank(kb):
    ranks = {name: severity.rank for name, severity in kb.vocabulary.severities.items()}
    for category in GRADED:
        graded = {ranks[severity] for severity in kb[category].by_severity}
        assert graded >= {2, 3, 4}, category


def test_every_attribute_is_used(kb):
    used = {name for entry in kb.entries.values() for name in entry.attributes}
    assert used == {attribute.id for attribute in kb.attributes}


def test_attribute_vectors_and_texts_are_distinct(kb):
    _, _, matrix = kb.attribute_matrix()
    assert len({tuple(row) for row in matrix}) == len(kb)
    assert len({attribute.text for attribute in kb.attributes}) == len(kb.attributes)
    for entry in kb.entries.values():
        assert len(set(entry.attributes)) == len(entry.attributes) >= 2


def test_an_explanation_says_what_the_attributes_say(kb):
    """Classes share the words of the attributes, so that an unseen class is not in new words."""
    texts = {attribute.id: attribute.text for attribute in kb.attributes}
    filler = {"with", "along", "from", "away", "that", "shape", "area", "density", "many", "over"}
    for entry in kb.entries.values():
        said = {word[:5] for word in normalise(entry.explanation).split()}
        for name in entry.attributes:
            key = normalise(texts[name]).split()
            content = [word for word in key if len(word) > 3 and word not in filler] or key
            assert said & {word[:5] for word in content}, f"{entry.id} does not say {name}"


def test_covid19_is_described_by_what_seen_classes_show(kb):
    seen = set().union(*(kb[c].attributes for c in kb if c not in ("covid19", "viral_pneumonia")))
    fresh = set(kb["covid19"].attributes) - seen
    assert fresh <= {"texture:ground_glass"}
    for word in ("bilateral", "hazy", "periphery", "lower"):
        assert word in kb["covid19"].explanation


def test_typical_terms_are_consistent(kb):
    for entry in kb.entries.values():
        assert set(entry.by_severity) <= set(entry.severities)
        if entry.parent is not None:
            assert entry.parent in kb


def test_the_severity_order(kb):
    ranks = {name: severity.rank for name, severity in kb.vocabulary.severities.items()}
    assert ranks == {"trace": 1, "small": 2, "mild": 2, "moderate": 3, "large": 4, "severe": 4}


def test_the_version_is_the_data_s_own(kb):
    text = (resources.files("iki_knowledge") / "data" / "vocabulary.yaml").read_text("utf-8")
    assert kb.version == yaml.safe_load(text)["version"]
