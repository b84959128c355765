"""A tiny model, a folder of drawn images whose labels can be seen, and a cache of its own."""

import csv
import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from iki_knowledge import KnowledgeBase, load_knowledge
from medfilip_model.calibration import Calibration, Curves
from medfilip_model.config import (
    DataConfig,
    FusionConfig,
    ImageTowerConfig,
    ModelConfig,
    OptimConfig,
    TargetConfig,
    TextTowerConfig,
    TrainConfig,
)
from medfilip_model.model import MedFILIP
from medfilip_model.phantom import PhantomConfig, generate
from medfilip_model.platt import Curve
from PIL import Image

# What the drawn images show: a bright bar low on the left, a disc in the middle, or nothing.
SHAPES = ("pleural_effusion", "mass", "")
# The vocabulary of a tiny BERT.
WORDS = ["small", "large", "left", "right", "effusion", "mass", "in", "the", "upper", "lobe"]
CHEXPERT = {
    "Enlarged Cardiomediastinum": "enlarged_cardiomediastinum",
    "Cardiomegaly": "cardiomegaly",
    "Lung Opacity": "lung_opacity",
    "Lung Lesion": "lung_lesion",
    "Edema": "pulmonary_edema",
    "Consolidation": "consolidation",
    "Pneumonia": "pneumonia",
    "Atelectasis": "atelectasis",
    "Pneumothorax": "pneumothorax",
    "Pleural Effusion": "pleural_effusion",
    "Pleural Other": "pleural_other",
    "Fracture": "fracture",
    "Support Devices": "support_device",
}
OFFICIAL = {"pleural_effusion": "Effusion", "mass": "Mass", "": "No Finding"}


@pytest.fixture(scope="session")
def kb() -> KnowledgeBase:
    return load_knowledge()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDFILIP_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """One thread: the sums, and so the golden curve, do not depend on the number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_model_config() -> ModelConfig:
    return ModelConfig(
        size=32,
        embed=32,
        image=ImageTowerConfig(name="test_resnet"),
        text=TextTowerConfig(width=32, heads=2, layers=1, context=48),
    )


@pytest.fixture
def tiny_model(tiny_model_config: ModelConfig) -> MedFILIP:
    torch.manual_seed(0)
    return MedFILIP(tiny_model_config)


@pytest.fixture
def fusion_model(tiny_model_config: ModelConfig) -> MedFILIP:
    torch.manual_seed(0)
    head = FusionConfig(width=16, heads=2, layers=1, dropout=0.0, places=("left", "right"))
    return MedFILIP(tiny_model_config.model_copy(update={"fusion": head}))


@pytest.fixture
def calibration() -> Calibration:
    """A mass has curves of its own, for the other classes there is a pooled one."""
    own = Curve(slope=30, beside=-4, offset=-1, positives=10, negatives=90)
    pooled = Curve(slope=5, beside=-1, offset=-3, positives=10, negatives=90)
    head = Curve(slope=2, offset=-0.5, positives=10, negatives=90)
    return Calibration(
        images=100,
        template="paper",
        normal=DataConfig().normal,
        centre=tuple(np.linspace(-0.2, 0.2, 32).tolist()),
        classes=Curves(own={"mass": own}, pooled=pooled),
        attributes=Curves(own={}, pooled=pooled),
        presence=Curves(own={"mass": head}, pooled=None),
    )


def draw(shape: str, rng: np.random.Generator, size: int = 40) -> np.ndarray:
    image = rng.normal(90, 12, (size, size))
    if shape == "pleural_effusion":
        image[int(size * 0.7) :, : size // 2] += 90
    if shape == "mass":
        y, x = np.mgrid[:size, :size] - size / 2
        image[x**2 + y**2 < (size / 6) ** 2] += 90
    return image.clip(0, 255).astype(np.uint8)


def write_folder(folder: Path, count: int = 96, size: int = 40, **extra: list[str]) -> Path:
    """A manifest folder of `count` drawn images; every third has each shape."""
    rng = np.random.default_rng(7)
    (folder / "images").mkdir(parents=True)
    rows = []
    for n in range(count):
        shape = SHAPES[n % 3]
        Image.fromarray(draw(shape, rng, size)).save(folder / "images" / f"im-{n:03}.png")
        split = "train" if n < count * 2 // 3 else "valid"
        rows.append(
            {
                "file": f"im-{n:03}.png",
                "finding_labels": OFFICIAL[shape],
                "patient_id": f"p{n}",
                "split": split,
                **{name: values[n] for name, values in extra.items()},
            }
        )
    write_manifest(folder, rows)
    return folder


def write_manifest(folder: Path, rows: list[dict[str, str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("drawn") / "set")


@pytest.fixture
def tiny_config(folder: Path, tiny_model_config: ModelConfig, tmp_path: Path) -> TrainConfig:
    return TrainConfig(
        recipe="tiny",
        out=tmp_path / "run",
        epochs=2,
        batch=16,
        precision="fp32",
        data=DataConfig(folder=folder),
        model=tiny_model_config,
        targets=TargetConfig(encoder="lexical"),
        optim=OptimConfig(lr=3e-3),
    )


@pytest.fixture
def write_findings(tmp_path: Path) -> Callable[..., Path]:
    """Write a findings.jsonl: report id -> findings as dictionaries."""

    def write(reports: dict[str, list[dict[str, object]]], name: str = "found.jsonl") -> Path:
        path = tmp_path / name
        lines = [
            json.dumps({"report_id": key, "schema": 1, "engine": "test", "findings": found})
            for key, found in reports.items()
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@dataclass(frozen=True)
class MimicFixture:
    """A MIMIC-CXR-JPG tree of phantoms, the findings of its reports, and the reports."""

    root: Path
    findings: Path
    reports: Path


def write_mimic_tree(folder: Path, studies: int = 24, size: int = 64) -> MimicFixture:
    """Two studies a patient; every third study has a lateral too; 6 of 10 patients train."""
    root, reports = folder / "mimic", folder / "reports"
    tables: dict[str, list[dict[str, object]]] = {"metadata": [], "split": [], "chexpert": []}
    lines: list[str] = []
    config = PhantomConfig(size=size, seed=3)
    for n in range(studies):
        phantom = generate(config, n)
        patient, study = 10000032 + n // 2, 50414267 + n
        split = ("train",) * 6 + ("validate",) * 2 + ("test",) * 2
        ids = {"subject_id": patient, "study_id": study}
        place = f"files/p{str(patient)[:2]}/p{patient}"
        (root / place / f"s{study}").mkdir(parents=True)
        (reports / place).mkdir(parents=True, exist_ok=True)
        for view in ("PA" if n % 2 else "AP", *(("LATERAL",) if n % 3 == 0 else ())):
            name = f"{n:08x}-{view.lower()}"
            pixels = Image.fromarray((phantom.image * 255).astype(np.uint8))
            pixels.save(root / place / f"s{study}" / f"{name}.jpg", quality=95)
            described = {"ViewPosition": view, "Rows": size, "Columns": size}
            tables["metadata"].append({"dicom_id": name, **ids, **described})
            tables["split"].append(
                {"dicom_id": name, **ids, "split": split[n // 2 % 10]},
            )
        shown = {finding.category for finding in phantom.findings}
        chexpert = {label: 1.0 if category in shown else "" for label, category in CHEXPERT.items()}
        tables["chexpert"].append({**ids, **chexpert, "No Finding": "" if shown else 1.0})
        text = f"FINDINGS: {phantom.report.findings}\nIMPRESSION: {phantom.report.impression}\n"
        (reports / place / f"s{study}.txt").write_text(text, encoding="utf-8")
        findings = [finding.model_dump() for finding in phantom.findings]
        lines.append(json.dumps({"report_id": f"s{study}", "schema": 1, "findings": findings}))
    for name, rows in tables.items():
        with gzip.open(root / f"mimic-cxr-2.0.0-{name}.csv.gz", "wt", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    (folder / "findings.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return MimicFixture(root, folder / "findings.jsonl", reports)


@pytest.fixture(scope="session")
def mimic_tree(tmp_path_factory: pytest.TempPathFactory) -> MimicFixture:
    """A tree that no test changes; `write_mimic_tree` writes one of a test's own."""
    return write_mimic_tree(tmp_path_factory.mktemp("mimic"))


@pytest.fixture
def own_mimic_tree(mimic_tree: MimicFixture, tmp_path: Path) -> MimicFixture:
    """A copy that a test may change."""
    folder = tmp_path / "own"
    shutil.copytree(mimic_tree.root.parent, folder)
    return MimicFixture(folder / "mimic", folder / "findings.jsonl", folder / "reports")


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers with random weights and a vocabulary of few words."""
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("tiny-bert")
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n", encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=24).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocab),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
        # Larger than usual, so that what a text says moves its vector by more than rounding.
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(folder)
    return folder
