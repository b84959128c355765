import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_model.data.samples import ImageSet, PixelStore, Sample, labels
from medfilip_model.errors import DataError


def sample(name: str, *findings: Finding, patient: str | None = None, split="train") -> Sample:
    return Sample(name, patient or name, split, tuple(findings))


def images(*samples: Sample) -> ImageSet:
    return ImageSet("set", samples, np.zeros((len(samples), 4, 4), dtype=np.uint8))


def test_labels_are_one_zero_or_not_known():
    samples = [
        sample("a", Finding(category="mass"), Finding(category="nodule", presence="absent")),
        sample("b", Finding(category="nodule", presence="uncertain")),
        sample("c"),
        Sample("d", "d", "train", None),
    ]
    expected = [[1, 0], [0, np.nan], [0, 0], [np.nan, np.nan]]
    np.testing.assert_array_equal(labels(samples, ["mass", "nodule"]), expected)


def test_a_finding_counts_as_its_broader_categories_with_a_dictionary(kb):
    assert "pleural_effusion" in kb.ancestors("empyema")
    columns = ["pleural_effusion", "empyema", "mass"]
    certain, doubtful, denied = (
        sample("a", Finding(category="empyema", presence=presence))
        for presence in ("present", "uncertain", "absent")
    )
    both = sample("b", *doubtful.findings, Finding(category="pleural_effusion"))
    nan = np.nan
    expected = [[1, 1, 0], [nan, nan, 0], [0, 0, 0], [1, nan, 0]]
    np.testing.assert_array_equal(labels([certain, doubtful, denied, both], columns, kb), expected)
    # Without one, a finding is its own category alone; and never is it a narrower one.
    assert labels([certain], columns).tolist() == [[0, 1, 0]]
    assert labels([sample("c", Finding(category="pleural_effusion"))], columns, kb).tolist() == [
        [1, 0, 0]
    ]


def test_arrays_and_memory_maps_are_stores(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 4, 4), np.uint8))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert isinstance(mapped, PixelStore)
    assert ImageSet("set", (sample("a"), sample("b")), mapped).pixels.shape == (2, 4, 4)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_affirmed_finding_outweighs_a_doubtful_twin(order: tuple[int, int]):
    both = (Finding(category="mass"), Finding(category="mass", presence="uncertain"))
    assert labels([sample("a", *(both[i] for i in order))], ["mass"]).tolist() == [[1.0]]


def test_normal_means_known_to_have_nothing():
    assert sample("a").normal
    assert sample("a", Finding(category="mass", presence="absent")).normal
    assert not sample("a", Finding(category="mass", presence="uncertain")).normal
    assert not Sample("a", "a", "train", None).normal


def test_a_patient_in_two_splits_is_refused():
    with pytest.raises(DataError, match=r"patient 'p' is in both 'train' and 'valid'"):
        images(sample("a", patient="p"), sample("b", patient="p", split="valid"))


def test_an_id_twice_is_refused():
    with pytest.raises(DataError, match=r"image id 'a' occurs more than once"):
        images(sample("a"), sample("b"), sample("a"))


def test_samples_must_match_pixels():
    with pytest.raises(DataError, match="1 samples for 2 images"):
        ImageSet("set", (sample("a"),), np.zeros((2, 4, 4), dtype=np.uint8))


def test_rows_of_a_split():
    assert images(sample("a"), sample("b", split="test"), sample("c")).rows("train") == [0, 2]
