"""A tiny run with a calibration, images, and a judge whose verdicts can be foreseen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from iki_knowledge import Finding, load_knowledge
from medfilip_app import check
from medfilip_app.loaded import Loaded, load
from medfilip_model.calibration import as_json, fit_calibration
from medfilip_model.checkpoint import LAST, save_checkpoint
from medfilip_model.config import DataConfig, ImageTowerConfig, ModelConfig, TextTowerConfig
from medfilip_model.consistency import Judged, Judgement, Omission, SlotJudgement
from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.model import MedFILIP
from medfilip_model.zeroshot import class_prompts, embed_rows
from PIL import Image

REPORT = """INDICATION: Rule out pneumonia.
FINDINGS: Small left pleural effusion. Possible nodule. No pneumothorax.
IMPRESSION: Small left pleural effusion.
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDFILIP_CACHE", str(tmp_path_factory.mktemp("cache")))


def held_out() -> ImageSet:
    """Noise with a bright corner for an effusion of either side, a bright middle for a mass."""
    pixels = np.random.default_rng(0).integers(60, 120, (72, 32, 32), dtype=np.uint8)
    samples: list[Sample] = []
    for n, image in enumerate(pixels):
        findings: list[Finding] = []
        if n % 3 == 0:
            side = "left" if n % 2 else "right"
            severity = "large" if n % 4 else "small"
            image[20:, 16:] += 90 if n % 2 else 0
            image[20:, :16] += 0 if n % 2 else 90
            findings.append(Finding(category="pleural_effusion", side=side, severity=severity))
        if n % 4 == 0:
            image[10:20, 10:20] += 90
            findings.append(Finding(category="mass", side="left" if n % 8 else "right"))
        samples.append(Sample(f"i{n}", f"p{n}", "valid", tuple(findings)))
    return ImageSet("set", tuple(samples), pixels)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of random weights, as one trained on phantoms leaves it."""
    config = ModelConfig(
        size=32,
        embed=32,
        image=ImageTowerConfig(name="test_resnet"),
        text=TextTowerConfig(width=32, heads=2, layers=1, context=48),
    )
    torch.manual_seed(0)
    model = MedFILIP(config).eval()
    kb, normal, images = load_knowledge(), DataConfig().normal, held_out()
    rows = range(len(images.samples))
    calibration = fit_calibration(
        model,
        images,
        rows,
        embed_rows(model, images, rows),
        class_prompts(kb, ["pleural_effusion", "mass"]),
        kb,
        normal=normal,
    )
    assert calibration is not None
    assert calibration.statements is not None
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    record = {"config": {"epochs": 2, "data": {"folder": None}}, "resolved": {"train": 64}}
    save_checkpoint(folder / LAST, model, record, as_json(calibration))
    return folder


@pytest.fixture(scope="session")
def bare(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without a calibration."""
    folder = tmp_path_factory.mktemp("runs") / "bare"
    save_checkpoint(folder / LAST, load(run).model, {}, {})
    return folder


@pytest.fixture(scope="session")
def loaded(run: Path) -> Loaded:
    return load(run)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.png"
    grey = np.random.default_rng(0).integers(0, 256, (48, 40), dtype=np.uint8)
    Image.fromarray(grey).save(path)
    return path


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.txt"
    path.write_text(REPORT, encoding="utf-8")
    return path


def judge(finding: Finding, grey: float) -> Judgement:
    """The left is the right, what is denied is not there, and the rest cannot be told."""
    presence = finding.presence
    slots = [
        SlotJudgement("presence", presence, None, 0.1, "undecided")
        if presence == "uncertain"
        else SlotJudgement("presence", presence, presence, 2.0, "supported")
    ]
    if finding.side == "left":
        slots.append(SlotJudgement("side", "left", "right", -3.0, "contradicted"))
    return Judgement(finding, slots[-1].verdict, tuple(slots), grey)


def foreseen(
    model: MedFILIP, pixels: np.ndarray, stated: Sequence[Sequence[Finding]], *_: object
) -> tuple[Judged, ...]:
    """In place of `medfilip_model.consistency.compare`: bright images show a large heart."""
    assert pixels.shape[1:] == (model.config.size, model.config.size)
    found: list[Judged] = []
    for image, findings in zip(pixels, stated, strict=True):
        grey = round(float(image.mean()) / 255, 3)
        omissions = (Omission("cardiomegaly", 0.875, 2.5, "left"),) if grey > 0.4 else ()
        judgements = tuple(judge(finding, grey) for finding in findings)
        found.append(Judged(judgements, omissions, score=3.0 if findings else 0.0))
    return tuple(found)


@pytest.fixture
def foresee(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "compare", foreseen)
