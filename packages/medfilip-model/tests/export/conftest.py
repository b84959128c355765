"""A tiny model with the record of a run, saved where `export` reads it."""

from pathlib import Path

import pytest
import torch
from medfilip_model.checkpoint import LAST, Checkpoint, save_checkpoint
from medfilip_model.config import FusionConfig, ModelConfig
from medfilip_model.model import MedFILIP

RECORD = {
    "config": {
        "recipe": "tiny",
        "seed": 3,
        "out": "/scratch/someone/runs/tiny",
        "data": {"folder": None, "findings": None, "template": "paper"},
    },
    "resolved": {
        "precision": "fp32",
        "train": 1200,
        "valid": 50,
        "skipped": 1,
        "skipped_files": [{"file": "/data/mrs-doe.png", "reason": "cut short"}],
        "texts": 9,
        "knowledge": "0.2.1",
        "images": "phantoms",
        "versions": {"torch": "2"},
    },
}
EXTRA = {
    "epoch": 2,
    "calibration": {"mass": [1.5, -0.25]},
    "metrics": {"epoch": 2, "macro_auc": 0.75, "auc": {"mass": 0.75, "hernia": None}},
}


@pytest.fixture(scope="session")
def model(tiny_model_config: ModelConfig) -> MedFILIP:
    torch.manual_seed(0)
    fusion = FusionConfig(width=16, heads=2, layers=1, places=("left",))
    model = MedFILIP(tiny_model_config.model_copy(update={"fusion": fusion, "image_norm": True}))
    model.encode_image(torch.rand(8, 1, 32, 32))  # running statistics other than 0 and 1
    return model.eval()


@pytest.fixture(scope="session")
def checkpoint(model: MedFILIP) -> Checkpoint:
    return Checkpoint(model, RECORD, EXTRA)


@pytest.fixture(scope="session")
def run(model: MedFILIP, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "tiny"
    save_checkpoint(folder / LAST, model, RECORD, EXTRA)
    return folder
