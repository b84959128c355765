import numpy as np
import pytest
import torch
from iki_knowledge import Finding
from medfilip_model.data.collate import collate
from medfilip_model.data.entities import Entities
from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.data.texts import TextTable, build_texts


@pytest.fixture
def images() -> ImageSet:
    mass, effusion = Finding(category="mass"), Finding(category="pleural_effusion", side="left")
    known = [(mass, effusion), (), (effusion,), (mass, mass)]
    samples = tuple(Sample(f"s{n}", f"s{n}", "train", found) for n, found in enumerate(known))
    pixels = np.arange(len(known), dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    return ImageSet("set", samples, pixels)


@pytest.fixture
def table(images, kb) -> TextTable:
    return build_texts(images, range(4), kb, template="triplet", normal="nothing to see")


def test_a_batch_has_owner_and_text_of_every_finding(images, table):
    batch = collate([2, 0, 1], images, table)
    assert batch.images.shape == (3, 1, 2, 2)
    assert batch.images[:, 0, 0, 0].tolist() == [2, 0, 1]
    assert batch.text.tolist() == [1, 0, 1, 2]
    assert batch.owner.tolist() == [0, 1, 1, 2]
    assert batch.labels is None
    assert batch.places is None


def test_a_batch_has_the_truth_of_its_entities(images, table, kb):
    entities = Entities(("pleural_effusion", "mass"), ("left", "right"), kb)
    batch = collate([2, 3], images, table, entities)
    assert batch.labels.tolist() == [[1, 0], [0, 1]]
    nan = float("nan")
    expected = torch.tensor([[[1, 0], [0, 0]], [[0, 0], [nan, nan]]])
    torch.testing.assert_close(batch.places, expected, equal_nan=True, rtol=0, atol=0)


def test_each_image_draws_from_its_own_source(images, kb):
    table = build_texts(images, range(4), kb, template="triplet", normal="n", augment=True)

    def texts(seeds: list[int]) -> list[list[int]]:
        draws = [np.random.default_rng(seed) for seed in seeds]
        batch = collate([2, 2, 2], images, table, None, draws)
        return [batch.text[batch.owner == n].tolist() for n in range(3)]

    first, second = texts([1, 2, 3]), texts([3, 9, 1])
    assert (first[0], first[2]) == (second[2], second[0])
    assert len({tuple(own) for own in first + second}) > 2
