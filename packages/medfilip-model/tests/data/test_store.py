import pickle

import numpy as np
import pytest
from medfilip_model.data.samples import PixelStore
from medfilip_model.data.store import ShardStore, open_shard
from medfilip_model.errors import DataError


@pytest.fixture
def store(write_set) -> ShardStore:
    files = sorted((write_set() / "shards").iterdir())
    return ShardStore(files, [3, 3, 1], 24)


def expected(*numbers: int) -> np.ndarray:
    ramp = np.arange(24 * 24).reshape(24, 24) * 120 // (24 * 24)
    return np.stack([ramp + 15 * n for n in numbers]).astype(np.uint8)


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [
        (np.array([6, 0, 3, 3]), [6, 0, 3, 3]),
        ([2, 1], [2, 1]),
        (slice(1, 6, 2), [1, 3, 5]),
        (np.array([-1]), [6]),
        (np.arange(7) == 4, [4]),
        (slice(None), range(7)),
    ],
)
def test_rows_are_read_as_numpy_reads_a_first_axis(store, rows, numbers):
    assert isinstance(store, PixelStore)
    assert store.shape == (7, 24, 24)
    np.testing.assert_array_equal(store[rows], expected(*numbers))


def test_no_row_a_single_row_and_no_such_row(store):
    assert store[np.zeros(0, dtype=np.int64)].shape == (0, 24, 24)
    np.testing.assert_array_equal(store[5], expected(5)[0])
    with pytest.raises(IndexError):
        store[7]
    np.testing.assert_array_equal(np.asarray(store), expected(*range(7)))
    assert len(list(store)) == 7


def test_other_sizes_are_resized(store, write_set):
    small = ShardStore(store._files, [3, 3, 1], 12)
    assert small.shape == (7, 12, 12)
    coarse = expected(4).reshape(1, 12, 2, 12, 2).mean(axis=(2, 4))
    assert np.abs(small[[4]] - coarse).max() < 3


def test_a_store_travels_without_its_maps(store):
    store[0]
    sent = pickle.dumps(store)
    assert len(sent) < 2000
    np.testing.assert_array_equal(pickle.loads(sent)[[2, 6]], expected(2, 6))


def test_a_subset_of_a_subset_keeps_its_order(store):
    np.testing.assert_array_equal(store.subset([6, 2, 4]).subset([2, 0])[:], expected(4, 6))


def test_a_file_that_is_no_shard(tmp_path):
    path = tmp_path / "x.arrow"
    for content in (b"", b"no arrow at all"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"cannot read shard .*x\.arrow"):
            open_shard(path, ["id"])
    with pytest.raises(DataError, match=r"cannot read shard .*absent"):
        open_shard(tmp_path / "absent", ["id"])
