import dataclasses
import importlib.metadata
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm import BankError
from ssm.files import named
from ssm.manifest import Manifest, Part, read_manifest, write_manifest

FULL = Manifest(
    encoder="hash",
    fingerprint="f" * 64,
    dim=8,
    parts=(Part(2, "1" * 64, "2" * 64), Part(1, "3" * 64, "4" * 64)),
    columns={"kind": ("pet", "", "Gefäß")},
    calibration={"method": "center", "low": 0.0, "high": 1.0},
    calibration_tensors="5" * 64,
)

values = st.text(max_size=5)
fields = st.fixed_dictionaries(
    {
        "encoder": values,
        "fingerprint": values,
        "dim": st.integers(0, 9),
        "parts": st.lists(st.tuples(st.integers(0, 9), values, values), max_size=3),
        "columns": st.dictionaries(values, st.lists(values, max_size=3).map(tuple), max_size=3),
        "calibration": st.dictionaries(values, values | st.floats(allow_nan=False), max_size=3),
        "calibration_tensors": st.none() | values,
    }
)


@settings(max_examples=30, deadline=None)
@given(fields)
def test_what_is_written_is_read(tmp_path_factory, fields):
    folder = tmp_path_factory.mktemp("bank")
    parts = tuple(Part(*part) for part in fields["parts"])
    manifest = Manifest(**{**fields, "parts": parts})
    write_manifest(folder, manifest)
    assert read_manifest(folder) == manifest


def test_it_says_what_made_it(tmp_path):
    write_manifest(tmp_path, FULL)
    fields = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert fields["encoder"] == {"name": "hash", "fingerprint": "f" * 64}
    assert (fields["count"], fields["dim"], fields["schema"]) == (3, 8, 2)
    assert fields["versions"]["torch"] == torch.__version__
    assert fields["versions"]["medfilip-ssm"] == importlib.metadata.version("medfilip-ssm")


def test_no_manifest(tmp_path):
    assert read_manifest(tmp_path) is None
    assert read_manifest(tmp_path / "nowhere") is None


def test_a_file_is_no_bank(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("a")
    with pytest.raises(BankError, match="is a file, a bank is a folder"):
        read_manifest(path)


def test_a_manifest_that_cannot_be_opened(tmp_path):
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(BankError, match=r"cannot read the bank .*: Is a directory"):
        read_manifest(tmp_path)


def edit(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


@pytest.mark.parametrize("schema", [1, 3, "x", None])
def test_another_schema(tmp_path, schema):
    write_manifest(tmp_path, FULL)
    edit(tmp_path, schema=schema)
    with pytest.raises(BankError, match=f"has schema {schema!r}, this version reads 2: .*rebuild"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"{}", b"7"])
def test_what_is_no_manifest(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(BankError, match=r"is damaged: manifest\.json cannot be read.*rebuild=True"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": {"kind": ["pet", "", "pet"]}},
        {"encoder": {"name": "other", "fingerprint": "f" * 64}},
        {"calibration": {"settings": {"method": "none", "low": 0.0, "high": 1.0}, "tensors": None}},
        {"parts": []},
        {"sha256": "0" * 64},
        {"sha256": None},
    ],
)
def test_an_edited_manifest(tmp_path, changes):
    write_manifest(tmp_path, FULL)
    edit(tmp_path, **changes)
    with pytest.raises(BankError, match=r"fields of manifest.json do not match their sha256"):
        read_manifest(tmp_path)


def test_a_flipped_bit_is_an_error(tmp_path):
    write_manifest(tmp_path, FULL)
    path = tmp_path / "manifest.json"
    whole = path.read_bytes()
    # White space between the fields does not matter.
    places = [at for at, byte in enumerate(whole) if not chr(byte).isspace()]
    for at in places[::9]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(BankError, match=r"is damaged|has schema"):
            read_manifest(tmp_path)


@pytest.mark.parametrize("missing", ["encoder", "dim", "parts", "columns", "calibration"])
def test_a_manifest_that_lacks_a_field(tmp_path, missing, monkeypatch):
    monkeypatch.setattr("ssm.manifest._digest", lambda fields: "d")
    write_manifest(tmp_path, FULL)
    path = tmp_path / "manifest.json"
    fields = json.loads(path.read_text())
    del fields[missing]
    path.write_text(json.dumps(fields))
    with pytest.raises(BankError, match=f"lacks a field .*{missing}"):
        read_manifest(tmp_path)


def test_writing_deletes_what_no_longer_belongs_and_nothing_else(tmp_path):
    ours = sorted(FULL.files())
    orphans = [
        named("texts", "a" * 64, "json"),
        named("vectors", "b" * 64, "safetensors"),
        named("calibration", "c" * 64, "safetensors"),
        "embeddings-0123456789abcdef.safetensors",  # schema 1
        ".vectors-bbbbbbbbbbbbbbbb.safetensors.123.tmp",
        ".manifest.json.123.tmp",
    ]
    others = ["model.safetensors", "notes.txt", ".lock", "vectors-mine.safetensors", ".x.tmp"]
    for name in [*ours, *orphans, *others]:
        (tmp_path / name).write_bytes(b"")
    write_manifest(tmp_path, FULL)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*ours, *others, "manifest.json"}
    write_manifest(tmp_path, dataclasses.replace(FULL, parts=(), calibration_tensors=None))
    assert {path.name for path in tmp_path.iterdir()} == {*others, "manifest.json"}
