import errno
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from ssm import BankError, EncoderError, store

TEXTS = ["a dog", "a cat", "Füchse im Schnee", 'a "quoted" sign']


def matrix_file(folder):
    (path,) = folder.glob("embeddings-*.safetensors")
    return path


def test_extend_reads_what_is_there_and_encodes_the_rest(tmp_path, hash_encoder):
    first = store.extend(tmp_path / "bank", TEXTS[:2], hash_encoder)
    second = store.extend(tmp_path / "bank", TEXTS[::-1], hash_encoder)
    assert first.texts == tuple(TEXTS[:2])
    assert second.texts == (*TEXTS[:2], TEXTS[3], TEXTS[2])
    assert hash_encoder.encoded == list(second.texts)
    torch.testing.assert_close(second.embeddings, hash_encoder.encode(second.texts))
    again = store.read(tmp_path / "bank")
    assert again.texts == second.texts
    assert torch.equal(again.embeddings, second.embeddings)
    assert (again.encoder_name, again.fingerprint) == ("hash", hash_encoder.fingerprint)


def test_the_folder_holds_one_matrix_and_is_private(tmp_path, hash_encoder):
    for count in (1, 2, 3):
        store.extend(tmp_path / "bank", TEXTS[:count], hash_encoder)
    names = sorted(path.name for path in (tmp_path / "bank").iterdir())
    assert names == [".lock", matrix_file(tmp_path / "bank").name, "manifest.json"]
    assert (tmp_path / "bank").stat().st_mode & 0o077 == 0


def test_the_manifest_records_what_made_it(tmp_path, hash_encoder):
    store.extend(tmp_path, TEXTS, hash_encoder)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["encoder"] == {"name": "hash", "fingerprint": hash_encoder.fingerprint}
    assert (manifest["count"], manifest["dim"], manifest["schema"]) == (4, 8, 1)
    assert manifest["versions"]["torch"] == torch.__version__
    assert manifest["versions"]["medfilip-ssm"] == importlib.metadata.version("medfilip-ssm")
    assert manifest["embeddings"]["file"] == matrix_file(tmp_path).name


def test_another_encoder_is_never_mixed_in(tmp_path, hash_encoder, other_encoder):
    store.extend(tmp_path, TEXTS[:1], hash_encoder)
    with pytest.raises(BankError, match=r"made by encoder 'hash' .*, not by 'other'"):
        store.extend(tmp_path, TEXTS, other_encoder)
    assert other_encoder.encoded == []


def test_no_bank_is_none(tmp_path):
    assert store.read(tmp_path) is None
    assert store.read(tmp_path / "nowhere") is None


def test_a_file_is_no_bank(tmp_path, hash_encoder):
    path = tmp_path / "texts.txt"
    path.write_text("a")
    with pytest.raises(BankError, match="is a file, a bank is a folder"):
        store.read(path)
    with pytest.raises(BankError, match="cannot write the bank"):
        store.extend(path, TEXTS, hash_encoder)


def alter(path, change):
    path.write_bytes(change(path.read_bytes()))


def edit(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: alter(matrix_file(f), lambda b: b[:-4]), "does not match its sha256"),
        (lambda f: alter(matrix_file(f), lambda b: b[:-1] + b"\x01"), "not match its sha256"),
        (lambda f: matrix_file(f).unlink(), "is missing"),
        (lambda f: alter(f / "manifest.json", lambda b: b[:50]), "manifest.json cannot be read"),
        (lambda f: alter(f / "manifest.json", lambda b: b"\xff"), "manifest.json cannot be read"),
        (lambda f: alter(f / "manifest.json", lambda b: b"[]"), "manifest.json cannot be read"),
        (lambda f: edit(f, texts=["a dog", "b", "c", "d"]), "texts do not match their sha256"),
        (lambda f: edit(f, texts=None), "TypeError"),
        (lambda f: edit(f, embeddings={}), "KeyError: 'file'"),
        (lambda f: edit(f, encoder={}), "KeyError: 'name'"),
    ],
)
def test_damage_is_named_and_nothing_is_rebuilt_in_silence(tmp_path, hash_encoder, damage, message):
    store.extend(tmp_path, TEXTS, hash_encoder)
    damage(tmp_path)
    hash_encoder.encoded.clear()
    for act in (lambda: store.read(tmp_path), lambda: store.extend(tmp_path, ["x"], hash_encoder)):
        with pytest.raises(BankError, match=f"is damaged: .*{message}.*Delete that folder"):
            act()
    assert hash_encoder.encoded == []


def test_fewer_vectors_than_texts(tmp_path, hash_encoder):
    stored = store.extend(tmp_path, TEXTS, hash_encoder)
    short = store.Stored(stored.texts, stored.embeddings[:3], "hash", stored.fingerprint)
    store.write(tmp_path, short)
    with pytest.raises(BankError, match="4 texts but 3 vectors"):
        store.read(tmp_path)


def test_a_newer_schema(tmp_path, hash_encoder):
    store.extend(tmp_path, TEXTS, hash_encoder)
    edit(tmp_path, schema=2)
    with pytest.raises(BankError, match="has schema 2, this version reads 1"):
        store.read(tmp_path)


def test_a_reader_survives_a_writer_in_between(tmp_path, hash_encoder, monkeypatch):
    store.extend(tmp_path, TEXTS[:1], hash_encoder)
    plain = Path.read_bytes

    def slow(path):
        content = plain(path)
        if path.name == "manifest.json":
            monkeypatch.setattr(Path, "read_bytes", plain)
            store.extend(tmp_path, TEXTS, hash_encoder)
        return content

    monkeypatch.setattr(Path, "read_bytes", slow)
    assert store.read(tmp_path).texts == tuple(TEXTS)


@pytest.mark.parametrize("killed_at", ["embeddings", "manifest"])
def test_a_full_disk_leaves_the_old_bank(tmp_path, hash_encoder, monkeypatch, killed_at):
    before = store.extend(tmp_path, TEXTS[:2], hash_encoder)
    plain = os.fsync

    def full(descriptor):
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        if name.startswith(f".{killed_at}"):
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BankError, match=r"No space left on device.*untouched"):
        store.extend(tmp_path, TEXTS, hash_encoder)
    monkeypatch.setattr(os, "fsync", plain)
    assert torch.equal(store.read(tmp_path).embeddings, before.embeddings)
    assert not list(tmp_path.glob(".*.tmp"))
    assert store.extend(tmp_path, TEXTS, hash_encoder).texts == tuple(TEXTS)
    matrix_file(tmp_path)  # the orphan of the failed write is gone


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (torch.ones(3, 8), r"returned torch.float32 of shape \[3, 8\] for 2 texts"),
        (torch.eye(2, 8, dtype=torch.float64), "returned torch.float64"),
        (torch.eye(2, 8) * torch.tensor([[1.0], [0.0]]), "vector of length 0, not 1.*'a cat'"),
        (torch.eye(2, 8) * torch.nan, "vector of length nan, not 1, for 2 of 2 texts"),
    ],
)
def test_an_encoder_that_misbehaves(tmp_path, hash_encoder, monkeypatch, answer, message):
    monkeypatch.setattr(hash_encoder, "encode", lambda texts, **options: answer)
    with pytest.raises(BankError, match=f"encoder 'hash' {message}|{message}"):
        store.extend(tmp_path, TEXTS[:2], hash_encoder)
    assert store.read(tmp_path) is None


def test_a_bad_text_writes_nothing(tmp_path, hash_encoder):
    with pytest.raises(EncoderError, match="text 1 is empty"):
        store.extend(tmp_path / "bank", ["a", " "], hash_encoder)
    assert not (tmp_path / "bank").exists()


CHILD = """
import sys, time
from pathlib import Path
import torch
from ssm import store

store._BLOCK = 2

class Slow:
    name, dim, fingerprint = "slow", 3, "f" * 64
    def encode(self, texts, *, batch_size=64, progress=False):
        print(*texts, flush=True)
        time.sleep(pause if "2" in texts else 0.05)
        return torch.eye(3)[[int(text) % 3 for text in texts]]

print("ready", flush=True)
for line in sys.stdin:
    folder, pause = line.split()
    pause = float(pause)
    store.extend(Path(folder), list("01234567"), Slow())
    print("done", flush=True)
"""


class Slow:
    """The child's encoder, here; counts."""

    name, dim, fingerprint = "slow", 3, "f" * 64

    def __init__(self):
        self.encoded = []

    def encode(self, texts, *, batch_size=64, progress=False):
        self.encoded += texts
        return torch.eye(3)[[int(text) % 3 for text in texts]]


@pytest.mark.slow
def test_two_processes_take_turns_and_a_killed_one_loses_a_block_at_most(tmp_path):
    command = [sys.executable, "-c", CHILD]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        # While the child encodes, we build the same bank: we wait, and find all of it done.
        child.stdin.write(f"{tmp_path / 'first'} 0.3\n")
        assert child.stdout.readline() == "0 1\n"
        ours = Slow()
        found = store.extend(tmp_path / "first", list("01234567"), ours)
        assert found.texts == tuple("01234567")
        assert ours.encoded == []
        assert [child.stdout.readline() for _ in range(4)] == ["2 3\n", "4 5\n", "6 7\n", "done\n"]
        # Now it is killed in its second block, with the lock in its hands and us at the door.
        child.stdin.write(f"{tmp_path / 'second'} 60\n")
        assert child.stdout.readline() == "0 1\n"
        assert child.stdout.readline() == "2 3\n"
        threading.Timer(0.3, child.kill).start()
        found = store.extend(tmp_path / "second", list("01234567"), ours)
        assert child.wait() == -signal.SIGKILL
    assert found.texts == tuple("01234567")
    assert ours.encoded == list("234567")
    torch.testing.assert_close(found.embeddings, torch.eye(3)[[i % 3 for i in range(8)]])
    assert store.read(tmp_path / "second").texts == found.texts


def test_a_build_goes_on_after_the_last_block_written(tmp_path, hash_encoder, monkeypatch):
    monkeypatch.setattr(store, "_BLOCK", 2)
    plain = hash_encoder.encode

    def dies(texts, **options):
        if len(hash_encoder.encoded) >= 2:
            raise KeyboardInterrupt
        return plain(texts, **options)

    monkeypatch.setattr(hash_encoder, "encode", dies)
    with pytest.raises(KeyboardInterrupt):
        store.extend(tmp_path, TEXTS, hash_encoder)
    assert store.read(tmp_path).texts == tuple(TEXTS[:2])
    monkeypatch.setattr(hash_encoder, "encode", plain)
    assert store.extend(tmp_path, TEXTS, hash_encoder).texts == tuple(TEXTS)
    assert hash_encoder.encoded == TEXTS
