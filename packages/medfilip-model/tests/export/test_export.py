"""`medfilip_model.export.export`: a run in, a folder out, or nothing changed."""

import json
from pathlib import Path

import pytest
import torch
from medfilip_model import load_model
from medfilip_model.errors import CheckpointError
from medfilip_model.export import ExportError, export, hub_folder
from medfilip_model.model import MedFILIP


def test_a_hub_folder_is_what_the_run_was_and_can_be_exported_again(run: Path, tmp_path: Path):
    done = export(run, "hub-folder", tmp_path / "hub")
    assert done.files == (
        "README.md",
        "config.json",
        "export.json",
        "model.safetensors",
        "tokenizer.json",
    )
    before, after = load_model(run), load_model(tmp_path / "hub")
    for name, value in before.state_dict().items():
        assert torch.equal(value, after.state_dict()[name])
    again = export(tmp_path / "hub", "hub-folder", tmp_path / "again")
    assert again.files == done.files
    records = [json.loads((tmp_path / n / "export.json").read_text()) for n in ("hub", "again")]
    assert records[0]["weights"] == records[1]["weights"]
    assert len(records[0]["files"]) == 4


def test_what_fails_the_check_is_not_left(run: Path, model: MedFILIP, tmp_path: Path, monkeypatch):
    export(run, "hub-folder", tmp_path / "hub")
    before = {path.name: path.read_bytes() for path in (tmp_path / "hub").iterdir()}
    other = MedFILIP(model.config).eval()
    monkeypatch.setattr(hub_folder, "load_model", lambda _: other)
    with pytest.raises(ExportError, match="nothing was written"):
        export(run, "hub-folder", tmp_path / "hub")
    assert {path.name: path.read_bytes() for path in (tmp_path / "hub").iterdir()} == before
    assert list(tmp_path.iterdir()) == [tmp_path / "hub"]


def test_a_full_disk_is_told(run: Path, tmp_path: Path, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CheckpointError, match=r"cannot write .*No space left.*untouched"):
        export(run, "timm", tmp_path / "out")
    assert not list(tmp_path.iterdir())
