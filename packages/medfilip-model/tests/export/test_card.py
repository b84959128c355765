"""The card says what a reader must know, and its code runs."""

from pathlib import Path

import pytest
import yaml
from medfilip_model.checkpoint import Checkpoint
from medfilip_model.config import ImageTowerConfig
from medfilip_model.export.card import card
from medfilip_model.export.result import Check
from medfilip_model.model import MedFILIP

CHECKS = [Check("image.onnx", 1.2e-7, 0.5)]


def sections(text: str) -> dict[str, str]:
    parts = text.split("\n## ")[1:]
    return {title: body for title, _, body in (part.partition("\n") for part in parts)}


def test_what_it_says_of_phantoms(checkpoint: Checkpoint):
    text = card("onnx", "tiny", checkpoint, CHECKS)
    assert text.count("Not for clinical use") == 2
    header = yaml.safe_load(text.split("---")[1])
    assert header["license"] == "apache-2.0"
    assert "not-for-clinical-use" in header["tags"]
    found = sections(text)
    assert list(found) == [
        "How to load it",
        "What it is",
        "Data",
        "Metrics",
        "Intended use",
        "Limits",
        "Licences",
        "Checked",
        "Made by",
    ]
    assert "phantom radiographs" in found["Data"]
    assert "1,200 images to train on, 50 held out, 1 skipped" in found["Data"]
    assert "50 held-out phantoms, after epoch 2" in found["Metrics"]
    assert "| mass | 0.750 |" in found["Metrics"]
    assert "| hernia | undefined |" in found["Metrics"]
    assert "no radiograph of a person" in found["Limits"]
    assert "| image.onnx | 1.2e-07 | 0.5 |" in found["Checked"]
    assert "`tiny`, seed 3" in found["Made by"]
    assert "/home" not in text
    assert "mrs-doe" not in text


def test_real_images_and_first_weights_leave_the_licence_open(
    checkpoint: Checkpoint, model: MedFILIP, monkeypatch
):
    record = {
        "config": {"data": {"folder": "/data/mimic", "findings": "/data/found.jsonl"}},
        "resolved": {"images": "mimic-cxr", "train": 10},
    }
    monkeypatch.setattr(
        model,
        "config",
        model.config.model_copy(
            update={"image": ImageTowerConfig(kind="open_clip", name="RN50", weights="openai")}
        ),
    )
    text = card("hub-folder", "tiny", Checkpoint(model, record), CHECKS)
    assert "license" not in yaml.safe_load(text.split("---")[1])
    found = sections(text)
    assert "`mimic` (mimic-cxr)" in found["Data"]
    assert "findings of the training images from `found.jsonl`" in found["Data"]
    assert found["Metrics"].strip() == "None on record."
    assert "the weights 'openai' of the image tower (open_clip RN50)" in found["Licences"]
    assert "credentialed" in found["Licences"]
    assert "person" not in found["Limits"]


def test_a_model_without_any_record(model: MedFILIP):
    found = sections(card("hub-folder", "tiny", Checkpoint(model, {}), CHECKS))
    assert found["Data"].strip() == "Not on record."
    assert (
        "license" not in card("hub-folder", "tiny", Checkpoint(model, {}), CHECKS).split("---")[1]
    )


@pytest.mark.parametrize("kind", ["hub-folder", "torchscript", "timm"])
def test_its_code_runs(kind, run: Path, tmp_path: Path, monkeypatch):
    import torch
    from medfilip_model.export import export

    export(run, kind, tmp_path / "mine")
    code = (tmp_path / "mine" / "README.md").read_text().split("```python\n")[1].split("```")[0]
    images = torch.rand(2, 1, 32, 32)
    names: dict[str, object] = {"images": images, "pixels": images}
    monkeypatch.chdir(tmp_path)
    with pytest.warns() if kind == "torchscript" else torch.no_grad():
        exec(code, names)
    answer = next(names[name] for name in ("similarity", "vectors", "features") if name in names)
    assert len(answer) == 2
