import hashlib
import logging
import os
import threading
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from ssm import BankError, files


def test_content_comes_back_under_a_name_made_of_it(tmp_path):
    digest = files.write_named(tmp_path, "texts", "json", b"[]")
    assert digest == hashlib.sha256(b"[]").hexdigest()
    (path,) = tmp_path.iterdir()
    assert path.name == f"texts-{digest[:16]}.json"
    assert files.read_named(tmp_path, "texts", digest, "json") == b"[]"


def test_a_damaged_file_of_the_same_name_is_replaced(tmp_path):
    digest = files.write_named(tmp_path, "texts", "json", b"[]")
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"[1]")
    with pytest.raises(BankError, match="does not match its sha256"):
        files.read_named(tmp_path, "texts", digest, "json")
    files.write_named(tmp_path, "texts", "json", b"[]")
    assert files.read_named(tmp_path, "texts", digest, "json") == b"[]"


def mapped_file(tensor):
    """What lies behind a tensor's memory: a file, or a word like [heap], or nothing."""
    address = tensor.data_ptr()
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, *rest = line.split(maxsplit=5)
        low, high = (int(end, 16) for end in span.split("-"))
        if low <= address < high:
            return rest[-1].removesuffix(" (deleted)") if len(rest) == 5 else None
    return None


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what is mapped")
def test_tensors_are_mapped_not_copied(tmp_path):
    before = torch.randn(300, 8)
    digest = files.write_tensors(tmp_path, "vectors", {"embeddings": before})
    (path,) = tmp_path.iterdir()
    found = files.map_tensors(tmp_path, "vectors", digest)["embeddings"]
    assert torch.equal(found, before)
    assert mapped_file(found) == str(path)
    assert mapped_file(before) != str(path)


def test_a_mapping_is_private_and_outlives_its_file(tmp_path):
    before = torch.randn(300, 8)
    digest = files.write_tensors(tmp_path, "vectors", {"embeddings": before})
    found = files.map_tensors(tmp_path, "vectors", digest)["embeddings"]
    found[0] = 0
    again = files.map_tensors(tmp_path, "vectors", digest)["embeddings"]
    assert torch.equal(again, before)
    (path,) = tmp_path.iterdir()
    path.unlink()
    assert torch.equal(again, before)


def test_what_is_no_safetensors_file_is_damage(tmp_path):
    digest = files.write_named(tmp_path, "vectors", "safetensors", b"nonsense")
    with pytest.raises(BankError, match=r"is damaged: 'vectors-.*header"):
        files.map_tensors(tmp_path, "vectors", digest)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full, the device that is always full")
    path = tmp_path / "manifest.json"
    files.replace(path, b"old")
    (tmp_path / f".manifest.json.{os.getpid()}.tmp").symlink_to("/dev/full")
    with pytest.raises(BankError, match="No space left on device"), files.refusals(tmp_path):
        files.replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["manifest.json"]


def test_a_file_is_replaced_not_written_over(tmp_path):
    path = tmp_path / "manifest.json"
    files.replace(path, b"old")
    with path.open("rb") as opened:
        files.replace(path, b"new")
        assert opened.read() == b"old"
    assert path.read_bytes() == b"new"


def test_who_waits_for_the_lock_says_so(tmp_path, caplog, monkeypatch):
    plain = FileLock.acquire
    monkeypatch.setattr(
        FileLock, "acquire", lambda lock, timeout=None: plain(lock, timeout and timeout / 100)
    )
    held, done = threading.Event(), threading.Event()

    def hold():
        with FileLock(tmp_path / ".lock"):
            held.set()
            done.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    threading.Timer(0.2, done.set).start()
    with caplog.at_level(logging.WARNING, "ssm"), files.locked(tmp_path):
        assert done.is_set()
    assert "waiting for another process" in caplog.text
    holder.join()


def test_a_folder_that_cannot_be_made():
    with (
        pytest.raises(BankError, match=r"cannot write the bank '/dev/null/bank': Not a directory"),
        files.locked(Path("/dev/null/bank")),
    ):
        pass
