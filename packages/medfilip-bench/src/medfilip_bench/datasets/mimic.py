"""MIMIC-16, MIMIC-multi and MIMIC-FG, as ``medfilip prepare`` draws them from MIMIC-CXR-JPG."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from iki_knowledge import KnowledgeBase
from medfilip_model.builders.subsets import nearest_class
from medfilip_model.data import Sample
from medfilip_model.data.samples import labels

from medfilip_bench.datasets.card import Card, Expected
from medfilip_bench.datasets.grades import grade_of, graded_classes
from medfilip_bench.datasets.labelled import LabelClass
from medfilip_bench.datasets.prepared import (
    MARKS,
    Labeller,
    Labels,
    check_prepared,
    name_of,
    read_prepared,
)
from medfilip_bench.datasets.reader import Reader
from medfilip_bench.errors import DataError

_SIXTEEN = {
    "scarring": "scarring",
    "infection": "infection",
    "fracture": "fracture",
    "emphysema": "emphysema",
    "pneumothoraces": "pneumothorax",
    "abnormalities": "abnormality",
    "vascular congestion": "vascular_congestion",
    "opacification": "lung_opacity",
    "consolidation": "consolidation",
    "opacity": "lung_opacity",
    "cardiomegaly": "cardiomegaly",
    "edema": "pulmonary_edema",
    "pneumonia": "pneumonia",
    "atelectasis": "atelectasis",
    "effusion": "pleural_effusion",
    "pneumothorax": "pneumothorax",
}
# The five commonest of the paper's list, of which MIMIC-FG is made.
FIVE = ("pneumothorax", "pleural_effusion", "atelectasis", "pneumonia", "pulmonary_edema")
_CITATION = (
    "Johnson AEW, Pollard TJ, Berkowitz SJ, et al. MIMIC-CXR, a de-identified publicly available "
    "database of chest radiographs with free-text reports. Scientific Data 2019;6:317."
)
_SPLITS = (
    "the official test split is test and the official validation split valid, by patient; at most "
    "1,024 images of each, as prepared"
)


def _card(part: str, name: str, *, single: bool, notes: tuple[str, ...]) -> Card:
    return Card(
        id=f"mimic_{part}",
        name=name,
        source="MIMIC-CXR-JPG 2.0.0, Beth Israel Deaconess Medical Center, on physionet.org",
        licence="PhysioNet Credentialed Health Data License 1.5.0",
        access="a credentialed PhysioNet account, the training course and the signed data use "
        f"agreement; then `medfilip prepare mimic` with the subset {part!r}",
        citation=_CITATION,
        classes=_SIXTEEN if part != "fg" else {},
        single=single,
        splits=_SPLITS,
        folders=(f"mimic_{part}", f"mimic-{part}"),
        layout=(
            Expected(
                "dataset.json", f"written by `medfilip prepare`, with the name 'mimic-{part}'"
            ),
            Expected("shards/*.arrow", "images, findings, patients and splits"),
        ),
        notes=(
            "Findings are read from reports by gpt-ie or by a labeller; their errors are theirs.",
            *notes,
        ),
    )


MIMIC_16 = _card(
    "16",
    "MIMIC-16",
    single=True,
    notes=("Images with exactly one of the classes and no doubtful one.",),
)
MIMIC_MULTI = _card(
    "multi", "MIMIC-multi", single=False, notes=("Images with one of the classes or more.",)
)
MIMIC_FG = _card(
    "fg",
    "MIMIC-FG",
    single=True,
    notes=("A class is a disease with its severity: mild, moderate or severe.",),
)


def of_multi(
    samples: Sequence[Sample], categories: Sequence[str], kb: KnowledgeBase
) -> tuple[tuple[LabelClass, ...], Labels]:
    """Label each image with every class that it shows, itself or as a narrower category."""
    classes = tuple(LabelClass(category, kb[category].name) for category in categories)
    return classes, labels(samples, categories, kb).astype(np.float64)


def _of_single(
    samples: Sequence[Sample], categories: Sequence[str], kb: KnowledgeBase
) -> tuple[tuple[LabelClass, ...], Labels]:
    """Label each image with its one class: the nearest to what it shows."""
    classes = tuple(LabelClass(category, kb[category].name) for category in categories)
    table = np.zeros((len(samples), len(classes)))
    for row, sample in enumerate(samples):
        for finding in sample.present:
            name = nearest_class(finding.category, categories, kb)
            if name is not None:
                table[row, list(categories).index(name)] = 1
    return classes, _one_each(table, samples)


def _of_grades(
    samples: Sequence[Sample], categories: Sequence[str], kb: KnowledgeBase
) -> tuple[tuple[LabelClass, ...], Labels]:
    """Label each image with its one disease and how severe it is."""
    classes = graded_classes(categories, kb)
    place = {(c.category, c.severity): column for column, c in enumerate(classes)}
    table = np.zeros((len(samples), len(classes)))
    for row, sample in enumerate(samples):
        for finding in sample.present:
            name, grade = nearest_class(finding.category, categories, kb), grade_of(finding, kb)
            if name is not None and grade is not None:
                table[row, place[name, grade]] = 1
    return classes, _one_each(table, samples)


def _one_each(table: Labels, samples: Sequence[Sample]) -> Labels:
    for sample, count in zip(samples, table.sum(axis=1), strict=True):
        if count != 1:
            raise DataError(
                f"image {sample.id!r} has {int(count)} of the classes; an image of this set has "
                "one: prepare the set again"
            )
    return table


def _knows(part: str, folder: Path) -> bool:
    return name_of(folder) == f"mimic-{part}"


def _reader(card: Card, part: str, labeller: Labeller) -> Reader:
    return Reader(
        card,
        MARKS,
        partial(check_prepared, card),
        partial(read_prepared, card, labeller),
        partial(_knows, part),
    )


READER_16 = _reader(MIMIC_16, "16", _of_single)
READER_MULTI = _reader(MIMIC_MULTI, "multi", of_multi)
READER_FG = _reader(MIMIC_FG, "fg", _of_grades)
