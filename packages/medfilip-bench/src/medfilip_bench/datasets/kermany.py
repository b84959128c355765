"""Kermany's paediatric radiographs: pneumonia or normal; lung masks where they lie beside."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from medfilip_model.data.samples import Split

from medfilip_bench.datasets.assemble import assemble
from medfilip_bench.datasets.card import Card, Expected
from medfilip_bench.datasets.entry import Entry, Source, choose
from medfilip_bench.datasets.geometry import FileMask
from medfilip_bench.datasets.inventory import has_mark, home, take_stock
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.datasets.reader import Inventory, Reader, ReadOptions
from medfilip_bench.datasets.splits import apart, divide_training
from medfilip_bench.datasets.table import header_of, read_rows
from medfilip_bench.errors import DataError, UnknownNameError

CARD = Card(
    id="kermany",
    name="Kermany paediatric chest X-rays",
    source="Guangzhou Women and Children's Medical Center; Mendeley Data rscbjbr9sj, also on "
    "Kaggle (chest-xray-pneumonia)",
    licence="CC BY 4.0; lung masks by V7 Labs, CC BY 4.0",
    access="open download from Mendeley Data (rscbjbr9sj) or Kaggle (chest-xray-pneumonia)",
    citation="Kermany DS, Goldbaum M, Cai W, et al. Identifying Medical Diagnoses and Treatable "
    "Diseases by Image-Based Deep Learning. Cell 2018;172(5):1122-1131.",
    classes={"PNEUMONIA": "pneumonia"},
    splits="the official test images are test; train and val together (val has 16 images), less "
    "patients who are in test too, are divided by a hash of the patient, 70 parts to 15",
    folders=("kermany", "kermany_320", "chest_xray", "chest-xray-pneumonia"),
    layout=(
        Expected("chest_xray/{train,val,test}/{NORMAL,PNEUMONIA}/*.jpeg", "5,856 radiographs"),
        Expected(
            "manifest.csv", "or this: file, label, repo_split, lung_mask, patient_key", needed=False
        ),
        Expected("lung_masks/*.png", "0 outside, 127 not judged, 255 lung", needed=False),
    ),
    notes=(
        "Children of one to five years: models and phantoms of adults meet another anatomy.",
        "Label follows source closely (film, tubes, cropping): a model can score by such "
        "shortcuts.",
        "A patient is the number in the file name (person23, IM-0115), bacterial or viral.",
    ),
    pictures=True,
)
_MANIFEST = "manifest.csv"
_COLUMNS = ("file", "label", "repo_split", "lung_mask", "patient_key")
# The folder's labels tell bacteria from viruses, the official folders do not.
_LABELS = {"NORMAL": 0.0, "PNEUMONIA": 1.0, "BACTERIA": 1.0, "VIRUS": 1.0}
_SPLITS = ("train", "val", "test")
_IMAGES = 5_856
_MASKED_IMAGES = 797
_PATIENT = re.compile(r"person\d+|(?:NORMAL\d*-)?IM-\d+")


def entries(folder: Path) -> list[Entry]:
    """List the images of a manifest, or of the official folders.

    Raises:
        DataError: For the manifest, or a folder that is missing or empty.
    """
    return _of_manifest(folder) if (folder / _MANIFEST).is_file() else _of_folders(folder)


def _of_manifest(folder: Path) -> list[Entry]:
    found: list[Entry] = []
    for line, row in enumerate(read_rows(folder / _MANIFEST, _COLUMNS), start=2):
        where = f"{_MANIFEST} line {line}"
        if row["label"] not in _LABELS:
            raise UnknownNameError(f"label in {where},", row["label"], _LABELS)
        if row["repo_split"] not in _SPLITS:
            raise UnknownNameError(f"split in {where},", row["repo_split"], _SPLITS)
        for name in (row["file"], row["lung_mask"]):
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise DataError(f"{where}: {name!r} is no path inside the folder")
        mask = folder / "lung_masks" / row["lung_mask"] if row["lung_mask"] else None
        patient = row["patient_key"] or _patient(Path(row["file"]).stem)
        found.append(
            Entry(
                id=Path(row["file"]).stem,
                file=folder / "images" / row["file"],
                patient=patient,
                split=_split(row["repo_split"], patient),
                labels=(_LABELS[row["label"]],),
                mask=FileMask(mask) if mask else None,
            )
        )
    return found


def _of_folders(folder: Path) -> list[Entry]:
    found: list[Entry] = []
    for part in _SPLITS:
        for label in ("NORMAL", "PNEUMONIA"):
            files = sorted((folder / part / label).glob("*.jp*g"))
            if not files and part != "val":
                raise DataError(f"{part}/{label}/ is missing or has no JPEG file")
            found += [
                Entry(
                    id=f"{part}/{file.stem}",
                    file=file,
                    patient=_patient(file.stem),
                    split=_split(part, _patient(file.stem)),
                    labels=(_LABELS[label],),
                )
                for file in files
            ]
    return found


def _patient(stem: str) -> str:
    found = _PATIENT.match(stem)
    return found.group() if found else stem


def _split(part: str, patient: str) -> Split:
    return "test" if part == "test" else divide_training(patient)


def check(folder: Path) -> Inventory:
    """Say what of the data set is in a folder."""
    place = home(folder, MARKS)
    manifest = (place / _MANIFEST).is_file()
    extra = (("lung_masks/*.png", "lung masks (for segmentation only)"),)
    images = _MASKED_IMAGES if manifest else _IMAGES
    found = take_stock(CARD, place, lambda: entries(place), images=images, extra=extra)
    if not found.usable:
        return found
    return replace(found, found=(*found.found, *_left_out(entries(place))))


def _left_out(listed: Sequence[Entry]) -> tuple[str, ...]:
    """Say how many images are no use because their patient is in the test split."""
    if gone := len(listed) - len(_apart(listed)):
        return (
            f"{gone:,} of {len(listed):,} images are left out: training images of patients who are "
            "in the test split too",
        )
    return ()


def _apart(listed: Sequence[Entry]) -> list[Entry]:
    return apart(listed, lambda entry: entry.patient, lambda entry: entry.split)


def read(folder: Path, options: ReadOptions) -> LabelledSet:
    """Read the data set; see `medfilip_bench.datasets.assemble.assemble` for what it raises."""
    place = home(folder, MARKS)
    listed = entries(place)
    classes = tuple(LabelClass(category, name) for name, category in CARD.classes.items())
    notes = tuple(f"{words}." for words in _left_out(listed))
    source = Source(CARD, place, classes, CARD.splits, mask_of="lungs", notes=notes)
    return assemble(source, choose(_apart(listed), options), options)


def knows(folder: Path) -> bool:
    """Whether a manifest has Kermany's columns, or the folders are there."""
    return set(_COLUMNS) <= set(header_of(folder / _MANIFEST)) or has_mark(folder, MARKS[1:])


MARKS = (_MANIFEST, "train/PNEUMONIA", "test/PNEUMONIA")
READER = Reader(CARD, MARKS, check, read, knows)
