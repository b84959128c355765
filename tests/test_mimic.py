"""A MIMIC-CXR-JPG tree from its reports to a model, as credentialed users have it; of phantoms."""

import csv
import gzip
import json
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from medfilip_model import load_model
from medfilip_model.phantom import PhantomConfig, generate
from PIL import Image

SCRIPTS = Path(sysconfig.get_path("scripts"))
STUDIES, SIZE = 48, 64
# Patients, two studies each: six of ten train, two validate, two test.
SPLITS = ("train",) * 6 + ("validate",) * 2 + ("test",) * 2
# The paper's recipe for two cores: everything that costs is made small, the method is left alone.
SHRUNK = (
    "model.size=32",
    "model.embed=32",
    "model.image.kind=timm",
    "model.image.name=test_resnet",
    "model.image.weights=none",
    "model.text.kind=clip",
    "model.text.name=none",
    "model.text.weights=none",
    "model.text.width=32",
    "model.text.layers=1",
    "batch=8",
)


def call(cwd: Path, *words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [SCRIPTS / str(words[0]), *map(str, words[1:])], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def write_table(root: Path, name: str, rows: list[dict[str, object]]) -> None:
    path = root / f"mimic-cxr-2.0.0-{name}.csv.gz"
    with gzip.open(path, "wt", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_tree(root: Path, reports: Path) -> None:
    """Every second study has a lateral film beside the frontal one, which is to be left out."""
    metadata: list[dict[str, object]] = []
    split: list[dict[str, object]] = []
    config = PhantomConfig(size=SIZE, seed=3)
    for n in range(STUDIES):
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
    write_table(root, "metadata", metadata)
    write_table(root, "split", split)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree with findings that gpt-ie read in its reports, and the set prepared from both."""
    place = tmp_path_factory.mktemp("mimic")
    write_tree(place / "mimic-cxr-jpg", place / "reports")
    call(place, "gpt-ie", "extract", "reports", "--out", "findings.jsonl")
    options = ("--subset", "full", "--size", 48, "--reports", "reports", "--workers", 1)
    made = ("--findings", "findings.jsonl", "--out", "set")
    call(place, "medfilip", "prepare", "mimic-cxr", "mimic-cxr-jpg", *made, *options)
    return place


def test_every_frontal_image_has_what_was_read_in_its_report(place: Path):
    read = [json.loads(line) for line in (place / "findings.jsonl").read_text().splitlines()]
    assert len(read) == STUDIES
    told = json.loads((place / "set" / "dataset.json").read_text(encoding="utf-8"))
    assert told["images"] == STUDIES, "one frontal film a study"
    assert told["patients"] == {"train": 16, "valid": 4, "test": 4}
    shown = {
        (record["report_id"], finding["category"])
        for record in read
        for finding in record["findings"]
        if finding["presence"] == "present"
    }
    assert sum(sum(own.values()) for own in told["counts"].values()) == len(shown)


def test_the_recipe_of_the_paper_trains_on_it(place: Path):
    settings = [word for setting in SHRUNK for word in ("--set", setting)]
    words = ("--recipe", "paper", "--data", "set", "--encoder", "lexical", "--epochs", 2)
    done = call(place, "medfilip-train", *words, *settings, "--workers", 1)
    assert "macro AUC" in done.stdout
    record = json.loads((place / "runs" / "paper" / "config.json").read_text(encoding="utf-8"))
    assert record["config"]["optim"]["schedule"] == "restarts"
    assert record["config"]["data"]["template"] == "paper"
    assert record["resolved"]["images"] == "mimic-full"
    assert 30 <= record["resolved"]["train"] <= 32, "all but studies where nothing was certain"
    assert load_model(place / "runs" / "paper").encode_text(["pneumonia"]).shape == (1, 32)


def test_reports_of_other_studies_are_refused(place: Path):
    """The findings file of another tree: no report id is a study of this one."""
    lines = (place / "findings.jsonl").read_text(encoding="utf-8").replace('"s50414', '"s60414')
    (place / "others.jsonl").write_text(lines, encoding="utf-8")
    words = ("--findings", "others.jsonl", "--out", "other")
    done = call(place, "medfilip", "prepare", "mimic-cxr", "mimic-cxr-jpg", *words, code=2)
    assert "error: " in done.stderr
    assert "s60414267" in done.stderr
    assert "s50414267" in done.stderr
    assert not (place / "other" / "dataset.json").exists()
