from collections import Counter

import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.data.texts import build_texts, finding_variants
from medfilip_model.errors import DataError

NORMAL = "nothing to see"
MASS, EFFUSION = Finding(category="mass"), Finding(category="pleural_effusion", side="left")


@pytest.fixture
def images() -> ImageSet:
    doubtful = Finding(category="mass", presence="uncertain")
    known = [(MASS, EFFUSION), (), (EFFUSION,), None, (doubtful,), (MASS, MASS)]
    reports = ["A mass.", None, "Effusion\n on the left.", "A  mass.", " \n", "A mass."]
    samples = tuple(
        Sample(f"s{n}", f"s{n}", "train", found, report=report)
        for n, (found, report) in enumerate(zip(known, reports, strict=True))
    )
    return ImageSet("set", samples, np.zeros((len(known), 2, 2), np.uint8))


def test_every_finding_is_a_text_of_its_own(images, kb):
    table = build_texts(images, range(6), kb, template="triplet", normal=NORMAL)
    assert table.texts == ("lung mass", "left-sided pleural effusion", NORMAL)
    assert table.groups == ("mass", "pleural_effusion", "")
    # Nothing is known of row 3, nothing certain of row 4; row 5 says the same twice.
    assert table.rows == {0: (0, 1), 1: (2,), 2: (1,), 5: (0,)}


def test_the_template_is_used(images, kb):
    table = build_texts(images, [0], kb, template="paper", normal=NORMAL)
    assert table.texts[0].startswith("lung mass, where lung mass is ")


def test_only_the_given_rows_are_read(images, kb):
    table = build_texts(images, [2], kb, template="triplet", normal=NORMAL)
    assert table.rows == {2: (0,)}


def test_nothing_but_normal_images_cannot_be_learned_from(images, kb):
    with pytest.raises(DataError, match="none of the 1 training images has a finding"):
        build_texts(images, [1], kb, template="triplet", normal=NORMAL)


def test_a_report_is_one_text_of_no_category(images, kb):
    table = build_texts(
        images, range(6), kb, template="triplet", normal=NORMAL, text="report", augment=True
    )
    # White space is the report's layout, not its words; rows 1 and 4 have no report.
    assert table.texts == ("A mass.", "Effusion on the left.")
    assert table.groups == ("", "")
    assert table.rows == {0: (0,), 2: (1,), 3: (0,), 5: (0,)}
    assert table.draw(2, np.random.default_rng(0)) == (1,)


def test_no_report_at_all(images, kb):
    with pytest.raises(DataError, match=r"none of the 2 training images has a report: set data\."):
        build_texts(images, [1, 4], kb, template="triplet", normal=NORMAL, text="report")


def test_variants_leave_out_and_never_contradict(kb):
    finding = Finding(category="pleural_effusion", severity="small", side="left", region="base")
    variants = finding_variants(finding, kb)
    assert len(variants) == len(set(variants)) > 10
    assert {
        "pleural effusion",
        "small pleural effusion",
        "left basilar pleural effusion",
        "small left basilar pleural effusion",
    } <= set(variants)
    texts = " ".join(variants)
    assert "right-sided" not in texts
    assert "bilateral" not in texts
    assert "large" not in variants


def test_all_variants_are_in_the_table_and_all_are_drawn(images, kb):
    table = build_texts(images, range(6), kb, template="triplet", normal=NORMAL, augment=True)
    plain = build_texts(images, range(6), kb, template="triplet", normal=NORMAL)
    assert table.rows == plain.rows
    assert table.texts[:3] == plain.texts
    rng = np.random.default_rng(0)
    drawn = Counter(table.texts[p] for _ in range(400) for p in table.draw(2, rng))
    assert set(drawn) == set(finding_variants(EFFUSION, kb))
    assert {table.groups[table.texts.index(text)] for text in drawn} == {"pleural_effusion"}
    # Each about equally often.
    assert min(drawn.values()) > 400 / len(drawn) / 3
    assert table.draw(1, rng) == (2,)


def test_without_a_source_of_chance_texts_are_as_written(images, kb):
    table = build_texts(images, range(6), kb, template="triplet", normal=NORMAL, augment=True)
    assert table.draw(0) == table.rows[0]


def test_two_findings_that_come_out_alike_are_one_text(kb):
    left, right = (Finding(category="mass", side=side) for side in ("left", "right"))
    samples = (Sample("a", "a", "train", (left, right)),)
    images = ImageSet("set", samples, np.zeros((1, 2, 2), np.uint8))
    table = build_texts(images, [0], kb, template="triplet", normal=NORMAL, augment=True)
    rng = np.random.default_rng(0)
    drawn = [table.draw(0, rng) for _ in range(200)]
    assert {len(own) for own in drawn} == {1, 2}
    assert all(len(set(own)) == len(own) for own in drawn)
