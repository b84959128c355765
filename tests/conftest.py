"""Shared by the tests across packages: a MIMIC-CXR-JPG tree made of phantoms."""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from medfilip_model.phantom import PhantomConfig, generate
from PIL import Image

SIZE = 64
# Patients, two studies each: six of ten train, two validate, two test.
SPLITS = ("train",) * 6 + ("validate",) * 2 + ("test",) * 2


@pytest.fixture(scope="session")
def write_mimic() -> Callable[[Path, Path, int], None]:
    """Write a tree of images, and one of their reports, of so many studies."""
    return write_tree


def write_tree(root: Path, reports: Path, studies: int) -> None:
    """Every second study has a lateral film beside the frontal one, which is to be left out."""
    metadata: list[dict[str, object]] = []
    split: list[dict[str, object]] = []
    config = PhantomConfig(size=SIZE, seed=3)
    for n in range(studies):
        phantom = generate(config, n)
        patient, study = 10000032 + n // 2, 50414267 + n
        place = Path("files", f"p{str(patient)[:2]}", f"p{patient}")
        (root / place / f"s{study}").mkdir(parents=True)
        (reports / place).mkdir(parents=True, exist_ok=True)
        text = f"FINDINGS: {phantom.report.findings}\nIMPRESSION: {phantom.report.impression}\n"
        (reports / place / f"s{study}.txt").write_text(text, encoding="utf-8")
        for view in ("PA", "LATERAL") if n % 2 else ("AP",):
            name = f"{n:08x}-{view.lower()}"
            pixels = Image.fromarray((phantom.image * 255).astype(np.uint8))
            pixels.save(root / place / f"s{study}" / f"{name}.jpg", quality=95)
            ids = {"dicom_id": name, "subject_id": patient, "study_id": study}
            metadata.append({**ids, "ViewPosition": view, "Rows": SIZE, "Columns": SIZE})
            split.append({**ids, "split": SPLITS[n // 2 % 10]})
    _write_table(root, "metadata", metadata)
    _write_table(root, "split", split)


def _write_table(root: Path, name: str, rows: list[dict[str, object]]) -> None:
    path = root / f"mimic-cxr-2.0.0-{name}.csv.gz"
    with gzip.open(path, "wt", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
