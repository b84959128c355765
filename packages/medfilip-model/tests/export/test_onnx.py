import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from medfilip_model.checkpoint import Checkpoint
from medfilip_model.export import onnx
from medfilip_model.export.onnx import write_onnx
from medfilip_model.export.result import ExportError
from medfilip_model.model import MedFILIP
from tokenizers import Tokenizer


@pytest.fixture(scope="module")
def written(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory):
    pytest.importorskip("onnxscript", reason="needs the extra onnx")
    folder = tmp_path_factory.mktemp("onnx")
    return folder, write_onnx(folder, checkpoint)


@torch.no_grad()
def test_both_encoders_run_without_torch_at_other_lengths(written, model: MedFILIP):
    import onnxruntime

    folder, checks = written
    assert [check.part for check in checks] == ["image.onnx", "text.onnx"]
    assert all(check.difference < 1e-5 for check in checks)
    pixels = np.random.default_rng(1).normal(90, 20, (7, 1, 32, 32)).astype(np.float32)
    (vectors,) = onnxruntime.InferenceSession(folder / "image.onnx").run(None, {"pixels": pixels})
    expected = model.encode_image(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    texts = ["a hernia", *(["mass in the left upper lobe"] * 8)]
    split = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch(texts)
    tokens = np.array([each.ids for each in split], dtype=np.int64)
    (found,) = onnxruntime.InferenceSession(folder / "text.onnx").run(None, {"tokens": tokens})
    np.testing.assert_allclose(found, model.encode_text(texts).numpy(), atol=1e-5)
    assert json.loads((folder / "model.json").read_text())["embed"] == 32


def test_an_encoder_that_computes_otherwise_is_refused(
    written, checkpoint: Checkpoint, tmp_path: Path, monkeypatch
):
    def off(path: Path, program: object) -> list[torch.Tensor]:
        return [vectors + 1e-3 for vectors in program.expected()]

    def no_export(*_: object, **__: object) -> None:
        return

    monkeypatch.setattr(onnx, "_run", off)
    monkeypatch.setattr(torch.onnx, "export", no_export)
    with pytest.raises(ExportError, match=r"image.onnx differs from torch by 0.001"):
        write_onnx(tmp_path, checkpoint)


def test_what_cannot_be_exported_is_named(
    written, checkpoint: Checkpoint, tmp_path: Path, monkeypatch
):
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("\nno operator for aten::x\nmore")

    monkeypatch.setattr(torch.onnx, "export", fails)
    with pytest.raises(ExportError, match="image encoder cannot be written as ONNX: no operator"):
        write_onnx(tmp_path, checkpoint)


def test_a_missing_package_is_named(checkpoint: Checkpoint, tmp_path: Path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else real(name)
    )
    with pytest.raises(ExportError, match=r"needs onnxruntime: uv pip install 'medfilip-model\["):
        write_onnx(tmp_path, checkpoint)
    assert not list(tmp_path.iterdir())
