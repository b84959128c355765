import subprocess
import sys
from pathlib import Path

import pytest
import torch
from medfilip_model.checkpoint import Checkpoint
from medfilip_model.config import ModelConfig, TextTowerConfig
from medfilip_model.export.encoders import programs
from medfilip_model.export.result import ExportError
from medfilip_model.export.torchscript import write_torchscript
from medfilip_model.model import MedFILIP
from safetensors.torch import save_file

# Loads both programs where this package cannot be imported.
ALONE = """
import sys, warnings
warnings.simplefilter("ignore")
sys.modules["medfilip_model"] = None
import torch
from safetensors.torch import load_file
given = load_file(sys.argv[1] + "/given.safetensors")
for name in ("image", "text"):
    found = torch.jit.load(f"{sys.argv[1]}/{name}.pt")(given[name])
    assert torch.allclose(found, given[name + "_expected"], atol=1e-5), name
print("alike")
"""


@torch.no_grad()
def test_they_load_without_this_package(checkpoint: Checkpoint, model: MedFILIP, tmp_path: Path):
    checks = write_torchscript(tmp_path, checkpoint)
    assert all(check.difference < 1e-5 for check in checks)
    images = torch.rand(6, 1, 32, 32) * 4095
    tokens = model.tokenizer(["a hernia of the diaphragm"] * 7)
    given = {"image": images, "text": tokens.contiguous()}
    given |= {"image_expected": model.encode_image(images)}
    given |= {"text_expected": model.encode_tokens(tokens)}
    save_file(given, tmp_path / "given.safetensors")
    command = [sys.executable, "-c", ALONE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "alike", done.stderr


def test_a_bert(tiny_model_config: ModelConfig, bert_folder: Path, tmp_path: Path):
    text = TextTowerConfig(kind="hf", name=str(bert_folder), context=12)
    model = MedFILIP(tiny_model_config.model_copy(update={"text": text})).eval()
    _, check = write_torchscript(tmp_path, Checkpoint(model, {}))
    assert check.difference < 1e-5


def test_a_program_that_the_trace_bakes_is_refused(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch
):
    class Baked(torch.nn.Module):
        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return torch.ones(tokens.shape[0], 4) * float(tokens.sum())

    image, text = programs(checkpoint.model)
    baked = type(text)("text", Baked().eval(), "tokens", "x", text.free, text.probes)
    monkeypatch.setattr("medfilip_model.export.torchscript.programs", lambda _: (image, baked))
    with pytest.raises(ExportError, match=r"text\.pt"):
        write_torchscript(tmp_path, checkpoint)
