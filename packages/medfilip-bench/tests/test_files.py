"""Atomic writes and hashes."""

from pathlib import Path

import numpy as np
import pytest
from medfilip_bench.files import hash_of, write_array, write_atomic


def test_write_makes_the_folder_and_leaves_nothing_else(tmp_path):
    write_atomic(tmp_path / "a" / "x.txt", "é")
    assert (tmp_path / "a" / "x.txt").read_bytes() == "é".encode()
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["x.txt"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.txt"
    write_atomic(path, "old")

    def killed(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_arrays_round_trip(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_array(tmp_path / "x.npy", array)
    assert (np.load(tmp_path / "x.npy", allow_pickle=False) == array).all()


def test_hashes():
    assert hash_of({"a": 1, "b": 2}) == hash_of({"b": 2, "a": 1})
    assert hash_of(["a", "b"]) != hash_of(["b", "a"])
