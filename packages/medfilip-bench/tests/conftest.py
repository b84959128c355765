"""Records made by hand, and a small model, for the tests of this package."""

import csv

import numpy as np
import pytest
from medfilip_bench.protocols import Scored
from medfilip_bench.results import (
    DataInfo,
    Estimate,
    GalleryImage,
    GalleryRow,
    ModelInfo,
    Provenance,
    Row,
    RunRecord,
    Series,
)
from medfilip_bench.scoring import ClassName, Resampling, score_classes
from PIL import Image

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def make_record(task: str, rows: tuple[Row, ...], **changes: object) -> RunRecord:
    phantom = changes.pop("phantom", True)
    fields: dict[str, object] = {
        "task": task,
        "title": task.replace("_", " ").capitalize(),
        "about": f"What {task} asks.",
        "key": "0" * 64,
        "phantom": phantom,
        "model": ModelInfo(
            name="tiny", spec="run:runs/tiny", sha256="a" * 64, trained_on="200 phantoms"
        ),
        "data": DataInfo(
            name="phantoms" if phantom else "folder",
            phantom=bool(phantom),
            sha256="b" * 64,
            n=200,
            patients=200,
            split="test",
            threshold_n=100,
        ),
        "metrics": {},
        "rows": rows,
        "notes": ("A note.",),
        "provenance": Provenance(
            command="medfilip-bench all",
            created="2026-11-20T10:00:00+00:00",
            duration_s=1.5,
            seed=0,
            replicates=200,
            versions={"medfilip-bench": "0.1.0"},
            machine={"system": "Linux"},
        ),
    }
    return RunRecord.model_validate(fields | changes)


def make_scored(seed: int, classes: int = 4, n: int = 200, skill: float = 1.5) -> Scored:
    generator = np.random.default_rng(seed)
    labels = (generator.random((n, classes)) < 0.3).astype(float)
    scores = skill * labels + generator.normal(size=labels.shape)
    return Scored(labels, scores, np.arange(n))


def estimate(value: float) -> Estimate:
    return Estimate(value=value, low=max(value - 0.1, 0), high=min(value + 0.1, 1))


def baseline_rows(metrics: tuple[str, ...]) -> tuple[Row, ...]:
    return tuple(
        Row(id=n, name=n, kind="baseline", n=200, metrics={m: estimate(0.3) for m in metrics})
        for n in ("all-negative", "prevalence", "random model")
    )


@pytest.fixture(scope="session")
def records() -> list[RunRecord]:
    """One record a task, as the report gets them."""
    names = [ClassName(c, c.replace("_", " "), f"a text of {c}") for c in ("mass", "nodule")]
    names += [ClassName("hernia", "hernia"), ClassName("pleural_effusion", "pleural effusion")]
    test = make_scored(0)
    test.labels[:, 2] = 0
    done = score_classes(names, test, make_scored(1), Resampling(50, 0))
    binary = tuple(done.macro)
    multi = {
        "metrics": done.macro,
        "series": Series(roc=done.roc),
    }
    variants = tuple(
        row.model_copy(update={"kind": "variant", "id": name})
        for row, name in zip(
            done.rows, ("pneumonia", "covid19", "other", "explanation"), strict=True
        )
    )
    ks = (*(f"{m}@{k}" for m in ("p", "hit", "recall") for k in (1, 3, 10)), "mrr")
    directions = tuple(
        Row(id=i, name=name, kind="direction", n=100, metrics={k: estimate(0.5) for k in ks})
        for i, name in (("i2t", "image→text"), ("t2i", "text→image"))
    )
    chance = tuple(
        Row(
            id=f"{i}:random model",
            name="random model",
            kind="baseline",
            n=100,
            metrics={k: estimate(value) for k in ks},
        )
        for i, value in (("i2t", 0.1), ("t2i", 0.2))
    )
    gallery = GalleryRow(
        query="left effusion",
        rank=1,
        images=(GalleryImage(png=PIXEL, caption="effusion", right=True),),
    )
    single_rows = tuple(
        Row(
            id=name,
            name=name,
            kind="class",
            positives=50,
            n=100,
            metrics={m: estimate(0.6) for m in ("f1", "recall", "precision", "auc")},
        )
        for name in ("normal", "mass")
    )
    return [
        make_record("zero_shot_multi", done.rows + baseline_rows(binary), **multi),
        make_record("folder", done.rows + baseline_rows(binary), phantom=False, **multi),
        make_record(
            "unseen",
            variants + baseline_rows(binary),
            metrics={"auc_gain": Estimate(value=-0.05, low=-0.1, high=0.01)},
            series=Series(roc={"pneumonia": done.roc["mass"]}),
        ),
        make_record(
            "retrieval",
            directions + chance,
            series=Series(gallery=(gallery,)),
        ),
        make_record(
            "zero_shot_single",
            single_rows + baseline_rows(("acc", "macro_f1")),
            metrics={"acc": estimate(0.7), "macro_f1": estimate(0.6)},
            series=Series(confusion=((40, 10), (5, 45)), confusion_names=("normal", "mass")),
        ),
        make_record(
            "extraction",
            single_rows,
            metrics={"micro_f1": estimate(0.9), "macro_f1": estimate(0.8)},
        ),
    ]


@pytest.fixture
def scored():
    """Scores with some skill, by seed."""
    return make_scored


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache for all tests, so that phantoms are drawn once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    """No test touches the user's own cache."""
    monkeypatch.setenv("MEDFILIP_CACHE", str(cache))


def write_folder(root, rows, columns=("file", "finding_labels", "patient_id", "repo_split")):
    """Write a manifest folder of noise images, one a row; returns the folder."""
    (root / "images").mkdir(parents=True)
    generator = np.random.default_rng(0)
    for row in rows:
        pixels = generator.integers(0, 256, (40, 40), dtype=np.uint8)
        Image.fromarray(pixels).save(root / "images" / row[0])
    with (root / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return root


@pytest.fixture
def folder(tmp_path):
    """30 images of 15 patients, 10 of them for thresholds; Mass, Effusion and nothing."""
    labels = ("No Finding", "Mass", "Effusion|Mass", "Effusion", "No Finding")
    rows = [
        (f"{n:03}.png", labels[n % 5], str(n // 2), "valid" if n < 10 else "test")
        for n in range(30)
    ]
    return write_folder(tmp_path / "cxr", rows)


@pytest.fixture
def make_folder():
    """The writer of manifest folders."""
    return write_folder


@pytest.fixture
def no_figures(monkeypatch):
    """Reports without figures, where a test is about something else: drawing costs seconds."""
    monkeypatch.setattr("medfilip_bench.report.figures", lambda record: ())
