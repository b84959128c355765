"""The small parts: stores, splits, boxes, masks, subjects, tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medfilip_bench.datasets.geometry import FileMask, PixelBox, mask_on_square
from medfilip_bench.datasets.labelled import Box
from medfilip_bench.datasets.splits import apart, divide, divide_training, limited
from medfilip_bench.datasets.stores import Joined, Made, Part, taken
from medfilip_bench.datasets.subjects import age_of, sex_of, view_of
from medfilip_bench.datasets.table import read_rows
from medfilip_bench.errors import DataError
from medfilip_model.data import PixelStore, load_folder
from PIL import Image

ALL = np.arange(7 * 4, dtype=np.uint8).reshape(7, 2, 2)


def joined():
    made = Made(2, 2, lambda row: ALL[3 + row])
    return Joined([Part.of(ALL[:3]), Part.of(made), Part.of(ALL[5:5]), Part.of(ALL[5:])], 2)


@given(st.lists(st.integers(-7, 6), max_size=12))
def test_joined_parts_are_indexed_as_their_array(rows):
    index = np.array(rows, dtype=np.int64)
    np.testing.assert_array_equal(joined()[index], ALL[index])


@pytest.mark.parametrize("index", [0, 6, -1, slice(2, 6), slice(None, None, -2)])
def test_joined_rows_and_slices(index):
    np.testing.assert_array_equal(joined()[index], ALL[index])
    np.testing.assert_array_equal(Made(7, 2, lambda row: ALL[row])[index], ALL[index])


def test_stores_are_stores():
    store = joined()
    assert isinstance(store, PixelStore)
    assert (len(store), store.shape) == (7, (7, 2, 2))
    np.testing.assert_array_equal(np.asarray(store), ALL)
    np.testing.assert_array_equal(np.asarray(taken(store, [4, 1])), ALL[[4, 1]])
    with pytest.raises(IndexError):
        _ = store[7]


def test_a_part_is_loaded_when_it_is_read_and_once():
    loads = []
    store = Joined([Part.of(ALL[:3]), Part(4, lambda: loads.append(1) or ALL[3:])], 2)
    _ = store[:3]
    assert loads == []
    _ = store[3:], store[5]
    assert loads == [1]


def test_splits_are_those_of_load_folder(tmp_path, kb, write, image):
    """A patient is in the same split whether read here or by training."""
    image(tmp_path / "images" / "x.png")
    for header, rule in (("", divide), (",official_split", divide_training)):
        for patient in map(str, range(20)):
            row = f"x.png,Mass,{patient}{',train_val' if header else ''}"
            write(tmp_path / "manifest.csv", f"file,finding_labels,patient_id{header}", row)
            assert load_folder(tmp_path, kb, size=32).samples[0].split == rule(patient)


def test_shares_of_the_splits():
    names = [f"patient {n}" for n in range(4000)]
    shares = [np.mean([divide(n) == s for n in names]) for s in ("train", "valid", "test")]
    np.testing.assert_allclose(shares, [0.7, 0.15, 0.15], atol=0.02)
    assert np.mean([divide_training(n) == "valid" for n in names]) == pytest.approx(0.176, abs=0.02)


@given(
    st.lists(st.sampled_from("abcdefg"), max_size=30),
    st.one_of(st.none(), st.integers(1, 30)),
    st.integers(0, 3),
)
def test_a_limit_holds_keeps_patients_whole_and_keeps_the_order(owners, limit, seed):
    items = list(enumerate(owners))
    kept = limited(items, limit, seed, lambda item: item[1])
    assert kept == sorted(kept)
    assert len(kept) <= (limit if limit is not None else len(items))
    taken_owners = {owner for _, owner in kept}
    assert kept == [item for item in items if item[1] in taken_owners]
    # Nobody who would still fit is left out.
    left = set(owners) - taken_owners
    room = (limit if limit is not None else len(items)) - len(kept)
    assert all(owners.count(owner) > room for owner in left)


def test_patients_of_the_test_split_leave_the_others():
    items = [("a", "train"), ("a", "test"), ("b", "valid"), ("c", "test")]
    assert apart(items, lambda i: i[0], lambda i: i[1]) == items[1:]


def test_boxes_on_the_centre_square_by_hand():
    wide = PixelBox("mass", 60.0, 10.0, 100.0, 50.0, image=(200.0, 100.0))
    assert wide.on_square() == Box("mass", 0.1, 0.1, 0.9, 0.5)
    assert PixelBox("mass", 0.0, 0.0, 50.0, 50.0, image=(200.0, 100.0)).on_square() is None


@given(
    st.tuples(st.integers(8, 40), st.integers(8, 40)),
    st.tuples(st.floats(0, 0.7), st.floats(0, 0.7), st.floats(0.2, 0.6), st.floats(0.2, 0.6)),
)
def test_a_box_moves_as_the_pixels_that_it_encloses(shape, place):
    """Boxes and masks take the same way, to within a pixel."""
    width, height = shape
    x0, y0 = int(place[0] * width), int(place[1] * height)
    x1 = min(width, x0 + 1 + int(place[2] * width))
    y1 = min(height, y0 + 1 + int(place[3] * height))
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[y0:y1, x0:x1] = 255
    size = 10 * min(shape)
    moved = mask_on_square(mask, size) > 0
    box = PixelBox(
        "mass", float(x0), float(y0), float(x1 - x0), float(y1 - y0), (float(width), float(height))
    ).on_square()
    if box is None:
        assert not moved.any()
        return
    rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
    edges = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    expected = [box.x, box.y, box.x + box.width, box.y + box.height]
    np.testing.assert_allclose(np.array(edges) / size, expected, atol=1.5 / size)


def test_masks_of_ones_of_bytes_and_of_three_levels(tmp_path):
    for values, expected in (
        ([[0, 1]], [[0, 255]]),
        ([[0, 255]], [[0, 255]]),
        ([[0, 127], [255, 128]], [[0, 127], [255, 127]]),
        ([[12, 250]], [[0, 255]]),
        ([[0, 0]], [[0, 0]]),
    ):
        array = np.kron(np.array(values, dtype=np.uint8), np.ones((2, 2), dtype=np.uint8))
        array = np.pad(array, ((0, 4 - array.shape[0]), (0, 0)), mode="edge")
        Image.fromarray(array).save(tmp_path / "m.png")
        read = FileMask(tmp_path / "m.png").read(4)
        assert read[::2, ::2][: len(expected)].tolist() == expected
    assert FileMask(tmp_path / "none.png").key() == "none.png missing"
    with pytest.raises(DataError, match=r"cannot read mask 'none.png'"):
        FileMask(tmp_path / "none.png").read(4)


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("58", 58.0),
        ("058Y", 58.0),
        ("006M", 0.5),
        ("0", 0.0),
        ("411", None),
        ("", None),
        (None, None),
        ("old", None),
        ("-3", None),
        ("nan", None),
    ],
)
def test_ages(text, age):
    assert age_of(text) == age


def test_sex_and_view():
    assert [sex_of(t) for t in ("F", "female", " M ", "Male", "O", "", None)] == [
        "F",
        "F",
        "M",
        "M",
        None,
        None,
        None,
    ]
    assert [view_of(t) for t in ("pa", " AP", "", None)] == ["PA", "AP", None, None]


def test_tables_with_a_mark_quotes_and_short_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes('\ufeffa, b ,c\r\n1," x,y",3\r\n\r\n4\r\n'.encode())
    assert read_rows(path, ("b", "a")) == [{"b": "x,y", "a": "1"}, {"b": "", "a": "4"}]
    path.write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(DataError, match=r"t.csv is not UTF-8 \(byte 4\)"):
        read_rows(path, ("a",))
    with pytest.raises(DataError, match=r"cannot read none.csv: No such file"):
        read_rows(tmp_path / "none.csv", ("a",))
