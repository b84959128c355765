import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_model.data.collate import build_texts, collate
from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.errors import DataError

NORMAL = "nothing to see"


@pytest.fixture
def images() -> ImageSet:
    mass, effusion = Finding(category="mass"), Finding(category="pleural_effusion", side="left")
    doubtful = Finding(category="mass", presence="uncertain")
    known = [(mass, effusion), (), (effusion,), None, (doubtful,), (mass, mass)]
    samples = tuple(Sample(f"s{n}", f"s{n}", "train", found) for n, found in enumerate(known))
    pixels = np.arange(len(known), dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    return ImageSet("set", samples, pixels)


def test_every_finding_is_a_text_of_its_own(images, kb):
    table = build_texts(images, range(6), kb, template="triplet", normal=NORMAL)
    assert table.texts == ("lung mass", "left-sided pleural effusion", NORMAL)
    assert table.groups == ("mass", "pleural_effusion", "")
    # Nothing is known of row 3, nothing certain of row 4; row 5 says the same twice.
    assert table.rows == {0: (0, 1), 1: (2,), 2: (1,), 5: (0,)}


def test_a_batch_has_owner_and_text_of_every_finding(images, kb):
    table = build_texts(images, range(6), kb, template="triplet", normal=NORMAL)
    batch = collate([2, 0, 1], images, table)
    assert batch.images.shape == (3, 1, 2, 2)
    assert batch.images[:, 0, 0, 0].tolist() == [2, 0, 1]
    assert batch.text.tolist() == [1, 0, 1, 2]
    assert batch.owner.tolist() == [0, 1, 1, 2]


def test_the_template_is_used(images, kb):
    table = build_texts(images, [0], kb, template="paper", normal=NORMAL)
    assert table.texts[0].startswith("lung mass, where lung mass is ")


def test_only_the_given_rows_are_read(images, kb):
    table = build_texts(images, [2], kb, template="triplet", normal=NORMAL)
    assert table.rows == {2: (0,)}


def test_nothing_but_normal_images_cannot_be_learned_from(images, kb):
    with pytest.raises(DataError, match="none of the 1 training images has a finding"):
        build_texts(images, [1], kb, template="triplet", normal=NORMAL)
