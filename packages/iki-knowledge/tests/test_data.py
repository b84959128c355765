"""The packaged dictionary itself: complete, consistent, and said in its own words."""

import itertools
from importlib import resources

import pytest
import yaml
from iki_knowledge.infer import subclass_attributes
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
# The 61 words of the published code: 50 classes and eleven that are only explained.
PUBLISHED = (
    "infectious process", "cardiac enlargement", "bronchiectasis", "lesion", "cyst", "abscess",
    "embolism", "pneumomediastinum", "density", "granuloma", "adenopathy", "pacemaker",
    "subcutaneous emphysema", "hemorrhage", "dilatation", "nodules", "infiltrate", "aneurysm",
    "tension", "interstitial markings", "scoliosis", "fibrosis", "copd", "hernia", "hematoma",
    "hiatal hernia", "lymphadenopathy", "vascular engorgement", "occlusion", "thrombosis",
    "engorgement", "aeration", "nodule", "calcification", "scarring", "infection", "fracture",
    "emphysema", "pneumothoraces", "abnormalities", "vascular congestion", "opacification",
    "consolidation", "opacity", "cardiomegaly", "edema", "pneumonia", "atelectasis", "effusion",
    "pneumothorax", "ascites", "pulmonary embolism", "pleural fluid", "pseudoaneurysm",
    "pulmonary nodules", "pneumoperitoneum", "dislocation", "inflammation", "hyperinflation",
    "tracheostomy tube", "pulmonary fibrosis",
)  # fmt: skip
GRADED = (
    "pleural_effusion", "pneumothorax", "pulmonary_edema", "cardiomegaly", "pneumonia",
    "consolidation", "atelectasis",
)  # fmt: skip


def subclasses(entry):
    return {**entry.by_severity, **entry.by_place}


def test_coverage(kb):
    assert set(kb) >= BRIEF
    assert len(kb) >= 90
    for word in PUBLISHED:
        assert kb.resolve(word) is not None, word


@pytest.mark.parametrize(
    ("dataset", "size"),
    [
        ("chestxray14", 14), ("chexpert14", 13), ("vinbigdata", 13), ("vindr_cxr", 25), ("rsna", 1),
        ("siim", 1), ("covid", 3), ("covid_qu_ex", 2), ("six_entities", 6), ("mimic16", 16),
        ("mimic50", 50), ("medfilip_explained", 11), ("medklip", 49), ("padchest", 176),
    ],
)  # fmt: skip
def test_class_lists(kb, dataset, size):
    classes = kb.classes(dataset)
    assert len(classes) == size
    assert set(classes.values()) <= set(kb)


def test_whole_class_lists_are_accounted_for(kb):
    sizes = {"chexpert14": 14, "vindr_cxr": 28, "medklip": 75, "padchest": 195}
    for dataset, size in sizes.items():
        assert len(kb.classes(dataset)) + len(kb.unmapped[dataset]) == size
    for reasons in kb.unmapped.values():
        assert all(reason.strip() for reason in reasons.values())


def test_the_published_words_are_two_lists_that_share_none(kb):
    fifty, more = kb.classes("mimic50"), kb.classes("medfilip_explained")
    assert {*fifty, *more} == set(PUBLISHED)
    assert not set(fifty) & set(more)
    assert set(kb.classes("mimic16").items()) <= set(fifty.items())
    for label, category in (fifty | more).items():
        assert kb.resolve(label) == category, label


def test_the_labels_of_chestxray14_are_its_own(kb):
    assert set(kb.classes("chestxray14")) == NIH


@pytest.mark.parametrize(
    "dataset", ["chestxray14", "six_entities", "chexpert14", "mimic16", "siim", "covid"]
)
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
        for text in (entry.explanation, *(sub.explanation for sub in subclasses(entry).values()))
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
    for entry in kb.entries.values():
        used |= {name for sub in subclasses(entry).values() for name in sub.shows}
    assert used == {attribute.id for attribute in kb.attributes}


def test_attribute_texts_are_distinct_and_none_is_written_twice(kb):
    assert len({attribute.text for attribute in kb.attributes}) == len(kb.attributes)
    for entry in kb.entries.values():
        assert len(set(entry.attributes)) == len(entry.attributes) >= 6, entry.id


def test_any_two_categories_differ_in_six_attributes(kb):
    """Else a tenth of misread attributes takes one for the other (tests/test_infer.py)."""
    for name in kb:
        nearest = kb.nearest(name, 1)[0]
        assert nearest.distance >= 6, f"{name} and {nearest.category}"


def test_subclasses_differ_from_each_other_and_from_the_category(kb):
    for entry in kb.entries.values():
        for keys in (entry.by_severity, entry.by_place):
            pictures = [frozenset(entry.attributes)]
            pictures += [subclass_attributes(entry, key) for key in keys]
            assert len(set(pictures)) == len(pictures), entry.id


def test_statements_have_references(kb):
    used = {name for entry in kb.entries.values() for name in entry.references}
    used |= {code.source for entry in kb.entries.values() for code in entry.codes}
    assert used == set(kb.references)
    for entry in kb.entries.values():
        assert entry.references or entry.vague, entry.id
    for reference in kb.references.values():
        assert reference.doi or reference.url, reference.id
        assert 1900 < reference.year <= 2026


def test_look_alikes_say_what_tells_apart(kb):
    for entry in kb.entries.values():
        assert entry.look_alikes or entry.vague, entry.id
        for other, text in entry.look_alikes.items():
            assert len(text.split()) >= 6, f"{entry.id} against {other}"
            assert text.endswith("."), f"{entry.id} against {other}"


def test_every_pair_of_categories_shares_no_form_but_the_declared(kb):
    """Each form means one category, or the others that it may mean declare it."""
    forms = {
        entry.id: {normalise(form) for form in (entry.id, entry.name, *entry.aliases)}
        for entry in kb.entries.values()
    }
    for one, other in itertools.combinations(kb, 2):
        assert not forms[one] & forms[other], f"{one} and {other}"
    for form, meanings in kb.ambiguous.items():
        assert form in forms[meanings[0]]
        assert len(meanings) == len(set(meanings)) >= 2


def test_an_explanation_says_what_most_attributes_say(kb):
    """Classes share the words of the attributes, so that an unseen class is not in new words."""
    texts = {attribute.id: attribute.text for attribute in kb.attributes}
    filler = {"with", "along", "from", "away", "that", "shape", "area", "density", "many", "over"}
    for entry in kb.entries.values():
        said = {word[:5] for word in normalise(entry.explanation).split()}
        unsaid: list[str] = []
        for name in entry.attributes:
            key = normalise(texts[name]).split()
            content = [word for word in key if len(word) > 3 and word not in filler] or key
            if not said & {word[:5] for word in content}:
                unsaid.append(name)
        assert len(unsaid) <= 2, f"{entry.id} does not say {unsaid}"


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
