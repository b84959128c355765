import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iki_knowledge import Finding
from medfilip_model.builders.items import Item
from medfilip_model.builders.subsets import (
    MimicChoice,
    commonest,
    draw_subset,
    nearest_class,
)
from medfilip_model.data.samples import Sample
from medfilip_model.errors import DataError

CHOICE = MimicChoice()


def item(name, *findings, split="test"):
    return Item(Sample(name, f"p{name}", split, tuple(map(finding, findings))), name, "")


def finding(text):
    """ "effusion?" is doubtful, "effusion!" denied; "small effusion" has a severity."""
    presence = {"?": "uncertain", "!": "absent"}.get(text[-1], "present")
    severity, _, category = text.rstrip("?!").rpartition(" ")
    return Finding(category=category, severity=severity or None, presence=presence)


def pool(*counts, split="train"):
    """Training images: each category so many times."""
    return [
        item(f"{split}-{name}-{n}", name, split=split)
        for name, count in counts
        for n in range(count)
    ]


def test_a_class_must_be_above_the_ratio_and_devices_are_none(kb):
    items = pool(("pneumonia", 60), ("mass", 2), ("nodule", 1), ("pacemaker", 37))
    assert commonest(items, "16", CHOICE, kb) == ("pneumonia", "mass")
    assert commonest(items, "train", CHOICE, kb) == ("pneumonia", "mass", "nodule")
    one = MimicChoice(train_classes=1, test_classes=1)
    assert commonest(items, "train", one, kb) == ("pneumonia",)
    among = MimicChoice(among="mimic50")
    assert commonest(items, "train", among, kb) == ("pneumonia", "pacemaker", "nodule")
    with pytest.raises(DataError, match=r"no category is in more than 0\.01 of 2 images"):
        commonest(pool(("pacemaker", 2)), "16", CHOICE, kb)


def test_ratios_count_training_images_and_affirmed_findings_alone(kb):
    items = [
        *pool(("pneumonia", 3)),
        *pool(("mass", 9), split="test"),
        item("doubt", "nodule?", "hernia!", split="train"),
    ]
    assert commonest(items, "train", CHOICE, kb) == ("pneumonia",)


def test_an_image_of_mimic_16_has_exactly_one_class_and_no_doubt(kb):
    train = pool(("pneumonia", 50), ("mass", 40), ("pulmonary_edema", 30))
    items = [
        *train,
        item("one", "pneumonia"),
        item("one-and-a-device", "pneumonia", "pacemaker"),
        item("one-denied-other", "pneumonia", "mass!"),
        item("twice-the-same", "small pneumonia", "large pneumonia"),
        item("two", "pneumonia", "mass"),
        item("doubtful-other", "pneumonia", "mass?"),
        item("none"),
        item("valid-one", "mass", split="valid"),
    ]
    drawn = draw_subset(items, "16", CHOICE, kb)
    assert drawn.labels == "single"
    assert [i.sample.id for i in drawn.items] == [
        "one", "one-and-a-device", "one-denied-other", "twice-the-same", "valid-one",
    ]  # fmt: skip
    multi = draw_subset(items, "multi", CHOICE, kb)
    names = {i.sample.id for i in multi.items}
    assert names == {i.sample.id for i in items} - {i.sample.id for i in train} - {"none"}
    normals = draw_subset(items, "multi", MimicChoice(normals=True), kb)
    assert {i.sample.id for i in normals.items} - names == {"none"}


def test_an_image_of_mimic_fg_has_one_class_with_one_severity(kb):
    train = pool(("pleural_effusion", 9), ("pneumothorax", 8), ("hernia", 1))
    items = [
        *train,
        item("small", "small pleural_effusion"),
        item("trace-and-small", "trace pleural_effusion", "small pleural_effusion"),
        item("two-grades", "small pleural_effusion", "large pleural_effusion"),
        item("none-stated", "pleural_effusion"),
        item("two-classes", "small pleural_effusion", "small pneumothorax"),
        item("other", "small hernia"),
    ]
    drawn = draw_subset(items, "fg", MimicChoice(fg_classes=2), kb)
    assert drawn.classes == ("pleural_effusion", "pneumothorax")
    assert [i.sample.id for i in drawn.items] == ["small", "trace-and-small"]


def test_a_narrower_finding_counts_for_its_nearest_class(kb):
    classes = ("fracture", "lung_opacity", "consolidation")
    assert nearest_class("rib_fracture", classes, kb) == "fracture"
    assert nearest_class("consolidation", classes, kb) == "consolidation"
    assert nearest_class("lobar_collapse", classes, kb) == "lung_opacity"
    assert nearest_class("hernia", classes, kb) is None
    items = [*pool(("fracture", 9), ("mass", 9)), item("rib", "rib_fracture")]
    assert [i.sample.id for i in draw_subset(items, "16", CHOICE, kb).items] == ["rib"]


def test_nothing_that_qualifies_is_an_error(kb):
    with pytest.raises(DataError, match="no image of MIMIC-16: not one of 3 images"):
        draw_subset(pool(("mass", 3)), "16", CHOICE, kb)


@settings(deadline=None, max_examples=30)
@given(order=st.permutations(range(12)), limit=st.integers(1, 14), seed=st.integers(0, 3))
def test_a_draw_does_not_depend_on_the_order_and_grows(kb, order, limit, seed):
    items = pool(("mass", 12))
    choice = MimicChoice(train_samples=limit, seed=seed)
    whole = draw_subset(items, "train", choice, kb)
    mixed = draw_subset([items[n] for n in order], "train", choice, kb)
    names = {i.sample.id for i in whole.items}
    assert names == {i.sample.id for i in mixed.items}
    assert len(names) == min(limit, 12)
    more = draw_subset(items, "train", MimicChoice(train_samples=limit + 1, seed=seed), kb)
    assert names <= {i.sample.id for i in more.items}
