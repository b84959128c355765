"""SIIM-ACR: the space in the header, relative runs down the columns, rows that are united."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from medfilip_bench.datasets.rle import RunMask, decode_runs
from medfilip_bench.datasets.siim import CARD, LABELS, MIRROR_LABELS, check, entries, read
from medfilip_bench.errors import DataError


def encode(mask):
    """Runs of a mask as the challenge writes them, found pixel by pixel."""
    flat = [bool(mask[y, x]) for x in range(mask.shape[1]) for y in range(mask.shape[0])]
    words, gap, length = [], 0, 0
    for inside in [*flat, False]:
        if inside:
            length += 1
        elif length:
            words += [gap, length]
            gap, length = 1, 0
        else:
            gap += 1
    return " ".join(map(str, words)) or "-1"


def test_runs_are_relative_and_go_down_the_columns():
    # 4 x 4: skip 1, fill 2 of the first column; skip 2 (from the end), fill 1.
    mask = decode_runs("1 2 2 1", 4)
    expected = np.zeros((4, 4), dtype=np.uint8)
    expected[1:3, 0] = 255
    expected[1, 1] = 255
    np.testing.assert_array_equal(mask, expected)
    assert not decode_runs("-1", 4).any()


@given(arrays(bool, (6, 6)))
def test_decoding_undoes_encoding(mask):
    np.testing.assert_array_equal(decode_runs(encode(mask), 6) == 255, mask)


@given(st.lists(st.integers(-5, 400), max_size=7))
def test_any_list_of_numbers_is_a_mask_or_refused(numbers):
    text = " ".join(map(str, numbers))
    try:
        mask = decode_runs(text, 8)
    except DataError:
        return
    assert mask.sum() // 255 <= sum(numbers[1::2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3", "no pairs"),
        ("1 -2", "no pairs"),
        ("1 x", "no whole numbers"),
        ("10 7", "ends at pixel 17 of 16"),
    ],
)
def test_runs_that_cannot_be_are_refused(text, message):
    with pytest.raises(DataError, match=message):
        decode_runs(text, 4)


def test_rows_are_united_and_brought_to_size():
    mask = RunMask(("0 8", "8 4"), 4)
    united = mask.read(4)
    assert (united[:, :3] == 255).all()
    assert not united[:, 3].any()
    assert mask.read(2).shape == (2, 2)
    assert mask.key() != RunMask(("0 8",), 4).key()


@pytest.fixture
def folder(tmp_path, write, dicom, named):
    """Two rows of one image, and one image of none, in the official tree; side 1024 in the runs."""
    shown, empty = named("test", 2, "1.2.276.0.{}")
    columns = 1024 * 512  # the left half
    write(
        tmp_path / LABELS,
        "ImageId, EncodedPixels",
        f"{shown},0 {columns}",
        f"{empty}, -1",
        f"{shown},{columns} {columns // 2}",
    )
    for number, name in enumerate((shown, empty)):
        dicom(tmp_path / "dicom-images-train" / f"9.{number}" / "8.1" / f"{name}.dcm")
    dicom(tmp_path / "dicom-images-test" / "9.9" / "8.9" / f"{shown}.dcm")
    return tmp_path


def test_the_official_tree_with_the_space_in_its_header(folder, options, named):
    shown, empty = named("test", 2, "1.2.276.0.{}")
    data = read(folder, options())
    assert [s.id for s in data.images.samples] == [shown, empty]
    assert data.labels.tolist() == [[1], [0]]
    assert data.masked is None, "an image without pneumothorax has a mask, an empty one"
    assert data.mask_of == "pneumothorax"
    left = np.asarray(data.masks[0])
    assert (left[:, :24] == 255).all()
    assert not left[:, 24:].any()
    assert not np.asarray(data.masks[1]).any()
    np.testing.assert_array_equal(data.masks[np.array([1, 0])][1], left)
    assert "dicom-images-train" in str(entries(folder)[0].file)


def test_masks_are_given_where_they_are_asked_for(folder, options):
    without = read(folder, options(masks=False))
    assert (without.masks, without.mask_of) == (None, None)
    assert without.key != read(folder, options()).key


def test_an_empty_cell_is_refused(folder, options, write):
    write(folder / LABELS, "ImageId, EncodedPixels", "a,")
    with pytest.raises(DataError, match="line 2: EncodedPixels is empty; -1 stands for none"):
        read(folder, options())


@pytest.fixture
def mirror(tmp_path, write, image, named):
    train = named("train", 3)
    header = "new_filename,ImageId,has_pneumo"
    write(
        tmp_path / MIRROR_LABELS,
        header,
        *(f"{n}_train_{n % 2}_.png,{name},{n % 2}" for n, name in enumerate(train)),
    )
    write(tmp_path / "stage_1_test_images.csv", header, "0_test_1_.png,other,1")
    for name in (*(f"{n}_train_{n % 2}_.png" for n in range(3)), "0_test_1_.png"):
        image(tmp_path / "png_images" / name)
        image(tmp_path / "png_masks" / name, values=np.eye(40) * 255)
    return tmp_path


def test_the_png_mirror_has_files_for_masks_and_a_test_table(mirror, options):
    data = read(mirror, options())
    assert [len(data.rows("test")), len(data.images.samples)] == [1, 4]
    assert data.labels[data.rows("test")[0]] == 1
    assert set(np.unique(data.masks[:])) == {0, 255}
    assert check(mirror).found[0].startswith("4 of 12,047 images")


def test_the_mirror_without_its_test_table_is_divided(mirror, options, named):
    (mirror / "stage_1_test_images.csv").unlink()
    assert {s.split for s in read(mirror, options(splits=("train",))).images.samples} == {"train"}
    with pytest.raises(DataError, match="'test' is empty"):
        read(mirror, options())


def test_a_mirror_of_another_kind_is_refused(mirror, options):
    path = mirror / MIRROR_LABELS
    path.write_text(path.read_text().replace(",1\n", ",yes\n"))
    with pytest.raises(DataError, match="has_pneumo is 'yes'"):
        read(mirror, options())


def test_no_label_file_names_the_official_one(tmp_path, options, kb):
    with pytest.raises(DataError, match=f"cannot read {LABELS}"):
        read(tmp_path, options())
    assert dict(CARD.classes) == kb.classes("siim")
