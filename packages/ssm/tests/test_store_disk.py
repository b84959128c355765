"""A disk that is full or read-only."""

import errno
import os
from pathlib import Path

import pytest
from ssm import BankError, store

TEXTS = ["a dog", "a cat", "Füchse im Schnee", 'a "quoted" sign']


def sizes(stored):
    return [part.count for part in stored.manifest.parts]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


@pytest.mark.parametrize("full_at", ["vectors", "texts", "manifest"])
def test_a_full_disk_leaves_the_old_bank(tmp_path, hash_encoder, monkeypatch, full_at):
    store.extend(tmp_path, TEXTS[:2], hash_encoder)
    before = contents(tmp_path)
    plain = os.fsync

    def full(descriptor):
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        if name.startswith(f".{full_at}"):
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    for rebuild in (False, True):
        with pytest.raises(BankError, match=r"No space left on device.*untouched; free some space"):
            store.extend(tmp_path, TEXTS, hash_encoder, rebuild=rebuild)
        assert before.items() <= contents(tmp_path).items()
        assert not list(tmp_path.glob(".*.tmp"))
        assert store.read(tmp_path).texts == tuple(TEXTS[:2])
    monkeypatch.setattr(os, "fsync", plain)
    stored = store.extend(tmp_path, TEXTS, hash_encoder)
    assert stored.texts == tuple(TEXTS)
    assert len(list(tmp_path.glob("*-*"))) == 2 * len(sizes(stored))  # no orphan is left


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, which is always full")
@pytest.mark.parametrize("stem", ["vectors", "texts", "manifest"])
def test_the_system_s_own_full_device(tmp_path, hash_encoder, stem):
    store.extend(tmp_path / "other", TEXTS[2:], hash_encoder)
    (name,) = (path.name for path in (tmp_path / "other").glob(f"{stem}*"))
    store.extend(tmp_path / "bank", TEXTS[:2], hash_encoder)
    before = contents(tmp_path / "bank")
    (tmp_path / "bank" / f".{name}.{os.getpid()}.tmp").symlink_to("/dev/full")
    with pytest.raises(BankError, match="No space left on device"):
        store.extend(tmp_path / "bank", TEXTS, hash_encoder)
    assert before.items() <= contents(tmp_path / "bank").items()
    assert store.read(tmp_path / "bank").texts == tuple(TEXTS[:2])


def test_tidying_that_fails_loses_nothing(tmp_path, hash_encoder, monkeypatch, caplog):
    monkeypatch.setattr(store, "_BLOCK", 2)
    monkeypatch.setattr(store, "_compact", lambda folder, stored: stored)
    store.extend(tmp_path, TEXTS, hash_encoder)
    monkeypatch.undo()

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "write_tensors", full)
    untidy = store.read(tmp_path)
    assert sizes(store._compact(tmp_path, untidy)) == [2, 2]
    assert "stays in 2 parts: " in caplog.text
    assert store.read(tmp_path).texts == tuple(TEXTS)


@pytest.fixture
def read_only(hash_encoder, tmp_path_factory):
    """A bank in a folder that we may read but not write, root or not."""
    folder = tmp_path_factory.getbasetemp() / "read-only"
    folder.mkdir()
    store.extend(folder, TEXTS, hash_encoder)
    folder.chmod(0o555)
    # pytest's own folders, one more of them where tests run side by side.
    upper = [path for path in folder.parents if path.name.startswith(("pytest-", "popen-"))]
    modes = {path: path.stat().st_mode for path in upper}
    root = os.geteuid() == 0
    if root:
        for path in upper:
            path.chmod(0o755)
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    for path, mode in modes.items():
        path.chmod(mode)
    folder.chmod(0o700)


def test_a_read_only_folder(read_only, hash_encoder):
    assert store.extend(read_only, TEXTS[::-1], hash_encoder).texts == tuple(TEXTS)
    for rebuild in (False, True):
        with pytest.raises(BankError, match=r"cannot write the bank .*: Permission denied.*choose"):
            store.extend(read_only, ["a kite"], hash_encoder, rebuild=rebuild)
    assert store.read(read_only).texts == tuple(TEXTS)
