"""RSNA: rows are boxes, an image is a patientId; boxes fit the square; what is damaged is named."""

import numpy as np
import pytest
from medfilip_bench.datasets.labelled import Box, Subject
from medfilip_bench.datasets.rsna import CARD, LABELS, check, read
from medfilip_bench.errors import DataError

HEADER = "patientId,x,y,width,height,Target"


@pytest.fixture
def folder(tmp_path, write, dicom, named):
    """Two test images, one with two boxes; four training and one validation image."""
    test, train, valid = named("test", 2), named("train", 4), named("valid", 1)
    write(
        tmp_path / LABELS,
        HEADER,
        f"{test[0]},256.0,512.0,128.0,64.0,1",
        f"{test[1]},,,,,0",
        f"{test[0]},768.0,0.0,256.0,1024.0,1",
        *(f"{name},,,,,0" for name in (*train, *valid)),
    )
    for number, name in enumerate((*test, *train, *valid)):
        pixels = np.random.default_rng(number).integers(0, 256, (64, 64))
        dicom(
            tmp_path / "stage_2_train_images" / f"{name}.dcm",
            pixels,
            PatientSex="F",
            PatientAge="51",
            ViewPosition="AP",
        )
    return tmp_path


def test_several_rows_are_one_image_with_several_boxes(folder, options):
    data = read(folder, options())
    assert [len(data.rows(s)) for s in ("train", "valid", "test")] == [4, 1, 2]
    row = int(np.flatnonzero(data.labels[:, 0])[0])
    assert data.labels.sum() == 1
    assert data.boxes[data.images.samples[row].id] == (
        Box("pneumonia", 0.25, 0.5, 0.125, 0.0625),
        Box("pneumonia", 0.75, 0.0, 0.25, 1.0),
    )
    assert sorted(len(boxes) for boxes in data.boxes.values()) == [0] * 6 + [2]
    assert [c.name for c in data.classes] == ["Lung Opacity"]


def test_sex_age_and_view_come_from_the_film(folder, options):
    data = read(folder, options())
    assert set(data.subjects) == {Subject("F", 51.0, "AP")}
    assert data.images.samples[0].view == "AP"


def test_only_wanted_splits_are_decoded_and_their_keys_do_not_depend_on_others(
    folder, options, named
):
    everything = read(folder, options())
    test = read(folder, options(splits=("test",)))
    assert [s.split for s in test.images.samples] == ["test", "test"]
    assert test.pixel_keys == {"test": everything.pixel_keys["test"]}
    rows = everything.rows("test")
    np.testing.assert_array_equal(test.images.pixels[:], everything.images.pixels[np.array(rows)])
    assert test.key != everything.key
    assert read(folder, options(size=48)).pixel_keys["test"] != test.pixel_keys["test"]


def test_labels_change_the_key_and_not_the_pixel_keys(folder, options):
    before = read(folder, options())
    path = folder / LABELS
    path.write_text(path.read_text().replace("768.0", "760.0"))
    after = read(folder, options())
    assert after.pixel_keys == before.pixel_keys
    assert after.key != before.key


def test_limit_keeps_patients_whole_and_counts_each_split(folder, options):
    data = read(folder, options(limit=2))
    assert [len(data.rows(s)) for s in ("train", "valid", "test")] == [2, 1, 2]
    again = read(folder, options(limit=2))
    assert again.images.samples == data.images.samples
    drawn = {read(folder, options(limit=2, seed=s)).key for s in range(6)}
    assert len(drawn) > 1


def test_unreadable_and_missing_images_are_named_and_the_rest_goes_on(folder, options, named):
    gone, broken = named("train", 2)
    (folder / "stage_2_train_images" / f"{gone}.dcm").unlink()
    (folder / "stage_2_train_images" / f"{broken}.dcm").write_bytes(b"not a film")
    data = read(folder, options())
    assert len(data.rows("train")) == 2
    assert {(s.file, s.reason) for s in data.images.skipped} == {
        (f"stage_2_train_images/{gone}.dcm", "not on disk"),
        (f"{broken}.dcm", "not an image of a known format"),
    }
    assert len(data.labels) == len(data.images.samples) == len(data.subjects) == 5


def test_many_missing_images_are_told_as_a_number(tmp_path, write, dicom, named, options):
    names = named("test", 30)
    write(tmp_path / LABELS, HEADER, *(f"{name},,,,,0" for name in names))
    dicom(tmp_path / "stage_2_train_images" / f"{names[7]}.dcm")
    (skipped,) = read(tmp_path, options()).images.skipped
    assert skipped.file == "29 images of split 'test'"
    assert skipped.reason == f"not on disk; the first is 'stage_2_train_images/{names[0]}.dcm'"
    found = check(tmp_path)
    assert found.found == ("1 of 26,684 images (0 train, 0 valid, 1 test)",)
    assert "the label files name 30 images; the official ones name 26,684" in found.wrong[0]
    assert found.wrong[1].startswith("29 of 30 images are not on disk; the first is")
    assert found.usable


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["patientId,x,y,w,h,Target", "a,,,,,0"], "no column 'width'.*another version"),
        ([HEADER], "has a header and no row"),
        ([""], "is empty"),
        ([HEADER, "a,1,2,3,4,2"], "line 2: Target is '2'; allowed are 0 and 1"),
        ([HEADER, "a,1,x,3,4,1"], "line 2, y: 'x' is no number"),
        ([HEADER, "a,1,nan,3,4,1"], "line 2, y: 'nan' is no number"),
        ([HEADER, "a,1,2,3,4,1", "a,,,,,0"], "'a' has rows of Target 0 and of Target 1"),
    ],
)
def test_another_label_file_is_refused_in_words(tmp_path, write, options, lines, message):
    write(tmp_path / LABELS, *lines)
    with pytest.raises(DataError, match=message):
        read(tmp_path, options())
    assert not check(tmp_path).usable


def test_an_empty_test_split_and_a_split_without_files_are_refused(
    tmp_path, write, dicom, named, options
):
    (train,) = named("train", 1)
    write(tmp_path / LABELS, HEADER, f"{train},,,,,0")
    with pytest.raises(DataError, match="not one of the 1 images of split 'train' is on disk"):
        read(tmp_path, options())
    dicom(tmp_path / "stage_2_train_images" / f"{train}.dcm")
    with pytest.raises(DataError, match="the split 'test' is empty"):
        read(tmp_path, options())
    assert len(read(tmp_path, options(splits=("train",))).images.samples) == 1
    assert "nothing to judge" in check(tmp_path).wrong[-1]


def test_no_image_of_a_split_can_be_read(tmp_path, write, named, options):
    (name,) = named("test", 1)
    write(tmp_path / LABELS, HEADER, f"{name},,,,,0")
    write(tmp_path / "stage_2_train_images" / f"{name}.dcm", "text")
    with pytest.raises(DataError, match=f"can be read; the first, '{name}.dcm': not an image"):
        read(tmp_path, options())


def test_the_data_set_may_lie_one_folder_deeper(folder, options, tmp_path_factory):
    outer = tmp_path_factory.mktemp("outer")
    (outer / "inner").symlink_to(folder, target_is_directory=True)
    assert len(read(outer, options()).images.samples) == 7
    assert check(outer).folder == outer / "inner"


def test_the_card_is_the_dictionary_s(kb):
    assert dict(CARD.classes) == kb.classes("rsna")
