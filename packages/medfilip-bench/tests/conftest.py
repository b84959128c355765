"""Small sets made by hand, one cache, and manifest folders, for the tests of this package."""

import csv
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import IGNORED, INSIDE, Box, LabelClass, LabelledSet
from medfilip_bench.models.backbones import FeatureMaps, measured
from medfilip_bench.models.base import Backbone
from medfilip_bench.profiles import PROFILES
from medfilip_bench.protocols import Scored
from medfilip_model.data import ImageSet, Sample
from PIL import Image
from torch import nn

CARD = Card(
    id="toy",
    name="Toy",
    source="made by hand",
    licence="none",
    access="made here",
    citation="none",
    classes={"Mass": "mass", "Effusion": "pleural_effusion"},
    splits="by hand",
)


def make_scored(seed: int, classes: int = 4, n: int = 200, skill: float = 1.5) -> Scored:
    generator = np.random.default_rng(seed)
    labels = (generator.random((n, classes)) < 0.3).astype(float)
    scores = skill * labels + generator.normal(size=labels.shape)
    return Scored(labels, scores, np.arange(n))


def make_labelled(
    counts: Mapping[str, int] | None = None, *, size: int = 8, seed: int = 0, **changes: object
) -> LabelledSet:
    """A set of noise images; a class is present in every third and every fifth of them."""
    counts = counts or {"train": 6, "valid": 5, "test": 7}
    splits = [split for split, n in counts.items() for _ in range(n)]
    pixels = np.random.default_rng(seed).integers(0, 256, (len(splits), size, size), np.uint8)
    samples = tuple(Sample(f"i{n}", f"p{n}", split, ()) for n, split in enumerate(splits))
    labels = np.array([[n % 3 == 0, n % 5 == 0] for n in range(len(splits))], dtype=np.float64)
    fields: dict[str, object] = {
        "card": CARD,
        "phantom": False,
        "key": f"key {seed} {dict(counts)}",
        "pixel_keys": {split: f"{split} {seed} {n} {size}" for split, n in counts.items()},
        "images": ImageSet("toys", samples, pixels),
        "classes": (LabelClass("mass", "Mass"), LabelClass("pleural_effusion", "Effusion")),
        "labels": labels,
        "split_words": "by hand",
    }
    return LabelledSet(**(fields | changes))


@pytest.fixture
def labelled():
    """The maker of small sets."""
    return make_labelled


# What a planted image shows of each class: rows and columns of a bright square.
PLANTED = ((slice(4, 12), slice(4, 12)), (slice(20, 28), slice(18, 26)))


def make_planted(counts: Mapping[str, int] | None = None, **changes: object) -> LabelledSet:
    """Dark noise of 32 pixels with a bright square for each class that an image shows.

    The masks show the first class; the last column of pixels is not to be judged.
    """
    data = make_labelled(counts, size=32)
    pixels = np.asarray(data.images.pixels) // 4
    masks = np.zeros_like(pixels)
    boxes: dict[str, tuple[Box, ...]] = {}
    for n, sample in enumerate(data.images.samples):
        shown = [c for c in range(2) if data.labels[n, c] == 1]
        for c in shown:
            pixels[n][PLANTED[c]] += 120
        if 0 in shown:
            masks[n][PLANTED[0]] = INSIDE
        boxes[sample.id] = tuple(
            Box(data.classes[c].category, cs.start / 32, rs.start / 32, 0.25, 0.25)
            for c in shown
            for rs, cs in [PLANTED[c]]
        )
    masks[:, :, -1] = IGNORED
    made = replace(
        data,
        images=replace(data.images, pixels=pixels),
        boxes=boxes,
        masks=masks,
        mask_of="square",
    )
    return replace(made, **changes)


@pytest.fixture
def planted():
    """The maker of sets in which each class can be seen, and masked, and boxed."""
    return make_planted


def make_backbone(seed: int = 0) -> Backbone:
    """Two convolutions as a trainable encoder: maps of strides 2 and 4."""

    def fresh() -> nn.Module:
        return nn.ModuleList([nn.Conv2d(1, 6, 3, 2, 1), nn.Conv2d(6, 8, 3, 2, 1)])

    def read(network: nn.Module, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = network[0](pixels.float() / 128 - 1).relu()
        return first, network[1](first).relu()

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return measured(FeatureMaps(fresh(), nn.Identity(), fresh, read), 32)


@pytest.fixture
def backbone():
    """The maker of small encoders."""
    return make_backbone


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
def few_trained(monkeypatch):
    """Ten training phantoms, where none is trained on: to plan a thousand costs seconds."""
    quick = PROFILES["quick"].model_copy(update={"probe_train": 10})
    monkeypatch.setattr("medfilip_bench.setup.PROFILES", {"quick": quick})


@pytest.fixture
def no_figures(monkeypatch):
    """Reports without figures, where a test is about something else: drawing costs seconds."""
    monkeypatch.setattr("medfilip_bench.report.page.figures", lambda record: ())
