import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm import BankError, Calibration, manifest, store
from ssm.manifest import Manifest
from ssm.stored import Stored, read

TEXTS = ["a dog", "a cat", "Füchse im Schnee", 'a "quoted" sign', "a boat"]


def in_parts(*sizes):
    """Texts "0", "1", … in parts of these sizes; the vector of n is n times ones."""
    rows = torch.arange(sum(sizes), dtype=torch.float32)[:, None].expand(-1, 2)
    two = Manifest("x", "x", 2, (), {}, {}, None)
    return Stored(tuple(map(str, range(sum(sizes)))), rows.split(list(sizes)), two)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=4), st.data())
def test_gather_equals_a_look_up_in_all_vectors(sizes, data):
    stored = in_parts(*sizes)
    total = sum(sizes)
    chosen = data.draw(st.lists(st.integers(0, total - 1), max_size=8)) if total else []
    found = stored.gather([str(n) for n in chosen])
    assert found.shape == (len(chosen), 2)
    assert found[:, 0].tolist() == chosen
    assert torch.equal(found, stored.embeddings[torch.tensor(chosen, dtype=torch.long)])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_a_run_within_one_part_is_not_copied(sizes, data):
    stored = in_parts(*sizes)
    which = data.draw(st.integers(0, len(sizes) - 1))
    first = data.draw(st.integers(0, sizes[which] - 1))
    count = data.draw(st.integers(1, sizes[which] - first))
    start = sum(sizes[:which]) + first
    found = stored.gather([str(n) for n in range(start, start + count)])
    assert found.data_ptr() == stored.matrices[which][first].data_ptr()


def test_one_part_is_not_copied():
    stored = in_parts(4)
    assert stored.embeddings is stored.matrices[0]
    assert in_parts().embeddings.shape == (0, 2)


@pytest.fixture
def folder(tmp_path, hash_encoder):
    """A bank in two parts: of four texts and of one, with a calibration that has tensors."""
    stored = store.extend(tmp_path, TEXTS[:4], hash_encoder)
    store.write(
        tmp_path,
        stored.texts,
        stored.embeddings,
        encoder="hash",
        fingerprint=hash_encoder.fingerprint,
        calibration=Calibration("center", mean=torch.full((8,), 0.1)),
        columns={"kind": ("pet", "pet", "animal", "thing")},
    )
    store.extend(tmp_path, TEXTS[4:], hash_encoder)
    hash_encoder.encoded.clear()
    return tmp_path


def one(folder, pattern):
    return sorted(folder.glob(pattern), key=lambda path: path.stat().st_size)[-1]


def alter(pattern, change):
    def damage(folder):
        path = one(folder, pattern)
        path.write_bytes(change(path.read_bytes()))

    return damage


def remove(pattern):
    return lambda folder: one(folder, pattern).unlink()


def swap(pattern):
    def damage(folder):
        first, second = folder.glob(pattern)
        content = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(content)

    return damage


def flip(content, at):
    return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]


DAMAGE = {
    "a byte of a vector": (alter("vectors-*", lambda b: flip(b, -1)), "not match its sha256"),
    "a byte of a header": (alter("vectors-*", lambda b: flip(b, 3)), "not match its sha256"),
    "vectors cut": (alter("vectors-*", lambda b: b[:-4]), "not match its sha256"),
    "vectors emptied": (alter("vectors-*", lambda b: b""), "not match its sha256"),
    "vectors swapped": (swap("vectors-*"), "not match its sha256"),
    "vectors removed": (remove("vectors-*"), r"'vectors-\w+.safetensors' is missing"),
    "a text": (alter("texts-*", lambda b: b.replace(b"dog", b"cow")), "not match its sha256"),
    "texts cut": (alter("texts-*", lambda b: b[:9]), "not match its sha256"),
    "texts swapped": (swap("texts-*"), "not match its sha256"),
    "texts removed": (remove("texts-*"), r"'texts-\w+.json' is missing"),
    "calibration": (alter("calibration-*", lambda b: flip(b, -1)), "not match its sha256"),
    "calibration removed": (remove("calibration-*"), "is missing"),
    "manifest": (alter("manifest.json", lambda b: b.replace(b"pet", b"bed")), "their sha256"),
    "manifest cut": (alter("manifest.json", lambda b: b[:50]), "manifest.json cannot be read"),
}


@pytest.mark.parametrize("which", DAMAGE)
def test_damage_is_named_and_rebuilt_only_when_asked(folder, hash_encoder, which):
    damage, message = DAMAGE[which]
    damage(folder)
    names = {path.name for path in folder.iterdir()}
    for act in (lambda: read(folder), lambda: store.extend(folder, ["x"], hash_encoder)):
        with pytest.raises(BankError, match=f"is damaged: .*{message}.*rebuild=True"):
            act()
    assert hash_encoder.encoded == []
    assert {path.name for path in folder.iterdir()} == names
    rebuilt = store.extend(folder, TEXTS, hash_encoder, rebuild=True)
    assert hash_encoder.encoded == TEXTS
    again = read(folder)
    assert again.texts == rebuilt.texts == tuple(TEXTS)
    assert torch.equal(again.embeddings, rebuilt.embeddings)
    assert (again.manifest.columns, again.calibration.method) == ({}, "none")


def test_nothing_is_damaged_to_begin_with(folder, hash_encoder):
    found = read(folder)
    assert [part.count for part in found.manifest.parts] == [4, 1]
    assert found.texts == tuple(TEXTS)
    torch.testing.assert_close(found.embeddings, hash_encoder.encode(TEXTS))
    assert found.manifest.columns == {"kind": ("pet", "pet", "animal", "thing", "")}
    assert torch.equal(found.calibration.mean, torch.full((8,), 0.1))


def resign(folder, change):
    """Change the manifest and its sha256 with it, as a writer with a bug would."""
    path = folder / "manifest.json"
    fields = json.loads(path.read_text())
    schema = fields.pop("schema")
    del fields["sha256"]
    change(fields)
    digest = manifest._digest(fields)
    path.write_text(json.dumps({"schema": schema, "sha256": digest, **fields}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f["parts"][0].update(count=3), "a part of 3 texts .* holds 4 texts and vectors"),
        (lambda f: f.update(dim=7), r"7 dimensions holds .* vectors of shape \[4, 8\]"),
        (lambda f: f["parts"][0].update(vectors=f["parts"][1]["vectors"]), r"of shape \[1, 8\]"),
        (
            lambda f: f["parts"][1].update(texts=f["parts"][0]["texts"]),
            "of 1 texts .* holds 4 texts",
        ),
        (lambda f: f["columns"].update(kind=["pet"]), "1 values of 'kind' for 5 texts"),
        (lambda f: f["calibration"].update(tensors=None), "calibration: .*mean"),
        (lambda f: f["calibration"]["settings"].update(method="magic"), "calibration: .*'magic'"),
    ],
)
def test_what_does_not_fit_together(folder, change, message):
    resign(folder, change)
    with pytest.raises(BankError, match=f"is damaged: .*{message}"):
        read(folder)


def test_a_part_that_cannot_be_opened(folder):
    path = one(folder, "texts-*")
    path.unlink()
    path.mkdir()
    with pytest.raises(BankError, match=r"cannot read the bank .*: Is a directory"):
        read(folder)


def test_a_reader_survives_a_writer_in_between(folder, hash_encoder, monkeypatch):
    plain = Path.read_bytes

    def slow(path):
        content = plain(path)
        if path.name == "manifest.json":
            monkeypatch.setattr(Path, "read_bytes", plain)
            more = [f"text {n}" for n in range(9)]
            assert len(store.extend(folder, more, hash_encoder).manifest.parts) == 1
        return content

    monkeypatch.setattr(Path, "read_bytes", slow)
    assert len(read(folder).texts) == 14
