"""VinBigData: 15,000 radiographs, each read by three radiologists, with boxes."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from medfilip_bench.datasets.assemble import assemble
from medfilip_bench.datasets.card import Card, Expected
from medfilip_bench.datasets.entry import Entry, Source, choose
from medfilip_bench.datasets.geometry import PixelBox
from medfilip_bench.datasets.headers import Header, read_headers
from medfilip_bench.datasets.inventory import by_stem, home, take_stock
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.datasets.reader import Inventory, Reader, ReadOptions
from medfilip_bench.datasets.splits import divide
from medfilip_bench.datasets.table import header_of, number, read_rows
from medfilip_bench.errors import UnknownNameError

LABELS = "train.csv"
# The eight commonest local findings by images; the paper's eight are not named.
COMMON = (
    "aortic_enlargement",
    "cardiomegaly",
    "pleural_thickening",
    "pulmonary_fibrosis",
    "lung_opacity",
    "pleural_effusion",
    "lung_lesion",
    "infiltration",
)
CARD = Card(
    id="vinbigdata",
    name="VinBigData Chest X-ray Abnormalities Detection",
    source="Vingroup Big Data Institute, on Kaggle (2020); the training part of VinDr-CXR",
    licence="the challenge's rules: non-commercial research; VinDr-CXR itself is credentialed",
    access="a Kaggle account; accept the rules of vinbigdata-chest-xray-abnormalities-detection, "
    "download and unpack (VinDr-CXR on physionet.org needs a credentialed account)",
    citation="Nguyen HQ, Lam K, Le LT, et al. VinDr-CXR: An open dataset of chest X-rays with "
    "radiologist's annotations. Scientific Data 2022;9:429.",
    classes={
        "Aortic enlargement": "aortic_enlargement",
        "Atelectasis": "atelectasis",
        "Calcification": "calcification",
        "Cardiomegaly": "cardiomegaly",
        "Consolidation": "consolidation",
        "ILD": "interstitial_lung_disease",
        "Infiltration": "infiltration",
        "Lung Opacity": "lung_opacity",
        "Nodule/Mass": "lung_lesion",
        "Pleural effusion": "pleural_effusion",
        "Pleural thickening": "pleural_thickening",
        "Pneumothorax": "pneumothorax",
        "Pulmonary fibrosis": "pulmonary_fibrosis",
    },
    splits="the challenge's test labels were never published: the training images are divided by "
    "a hash of the image, 70 % train, 15 % valid, 15 % test (patients are not told)",
    folders=("vinbigdata", "vinbigdata-chest-xray-abnormalities-detection", "vindr-cxr", "vindr"),
    layout=(
        Expected(LABELS, "one row a reader and box; id 14 is No finding: 67,914 rows"),
        Expected("train/<image_id>.dicom", "15,000 radiographs"),
    ),
    notes=(
        "An image has a class when at least two of its three readers marked it (majority vote); "
        "boxes are those of all readers who marked such a class.",
        "The class “Other lesion” names nothing that a text could describe and is left out.",
        "The paper's 8 common classes are not named; the eight that most images have are taken "
        "for its column: " + ", ".join(name.replace("_", " ") for name in COMMON) + ".",
    ),
)
_COLUMNS = (
    "image_id",
    "class_name",
    "class_id",
    "rad_id",
    "x_min",
    "y_min",
    "x_max",
    "y_max",
)
_IMAGES = 15_000
# What names nothing that could be asked for.
_NOTHING = ("No finding", "Other lesion")
# Boxes are in pixels of the film, which the label file does not tell.
_NOT_KNOWN = (0.0, 0.0)


def entries(folder: Path) -> list[Entry]:
    """Read the label file: one row a reader and box; an image has what most of its readers marked.

    Boxes are in pixels of the film; `read` tells them its size.

    Raises:
        DataError: For the label file.
    """
    readers: dict[str, set[str]] = defaultdict(set)
    votes: dict[tuple[str, str], set[str]] = defaultdict(set)
    boxes: dict[str, list[tuple[str, PixelBox]]] = defaultdict(list)
    for line, row in enumerate(read_rows(folder / LABELS, _COLUMNS), start=2):
        image, name, where = row["image_id"], row["class_name"], f"{LABELS} line {line}"
        readers[image].add(row["rad_id"])
        # Class 14 is "No finding"; its coordinates are empty.
        if row["class_id"] == "14" or name in _NOTHING:
            continue
        if name not in CARD.classes:
            raise UnknownNameError(f"class in {where},", name, [*CARD.classes, *_NOTHING])
        votes[image, name].add(row["rad_id"])
        x0, y0, x1, y1 = (number(row[c], f"{where}, {c}") for c in _COLUMNS[4:])
        box = PixelBox(CARD.classes[name], x0, y0, x1 - x0, y1 - y0, image=_NOT_KNOWN)
        boxes[image].append((name, box))
    files = by_stem(sorted([*folder.glob("train/*.dicom"), *folder.glob("train/*.dcm")]))
    found: list[Entry] = []
    for image, read_by in readers.items():
        most = {name for name in CARD.classes if 2 * len(votes[image, name]) > len(read_by)}
        found.append(
            Entry(
                id=image,
                file=files.get(image, folder / "train" / f"{image}.dicom"),
                patient=image,
                split=divide(image),
                labels=tuple(float(name in most) for name in CARD.classes),
                boxes=tuple(box for name, box in boxes[image] if name in most),
            )
        )
    return found


def check(folder: Path) -> Inventory:
    """Say what of the data set is in a folder."""
    place = home(folder, MARKS)
    return take_stock(CARD, place, lambda: entries(place), images=_IMAGES)


def read(folder: Path, options: ReadOptions) -> LabelledSet:
    """Read the data set; see `medfilip_bench.datasets.assemble.assemble` for what it raises."""
    place = home(folder, MARKS)
    chosen = choose(entries(place), options)
    headers = read_headers([entry.file for entry in chosen], workers=options.workers)
    told = [_told(entry, header) for entry, header in zip(chosen, headers, strict=True)]
    classes = tuple(LabelClass(category, name) for name, category in CARD.classes.items())
    return assemble(Source(CARD, place, classes, CARD.splits), told, options)


def _told(entry: Entry, header: Header) -> Entry:
    """The entry with what the film's header says: sex, age, and the size that boxes are in."""
    size = (float(header.width), float(header.height))
    boxes = tuple(replace(box, image=size) for box in entry.boxes or ()) if all(size) else None
    return replace(entry, subject=header.subject, boxes=boxes)


def knows(folder: Path) -> bool:
    """Whether the label file is VinBigData's: others are called train.csv too."""
    return {"image_id", "rad_id"} <= set(header_of(folder / LABELS))


MARKS = (LABELS,)
READER = Reader(CARD, MARKS, check, read, knows)
