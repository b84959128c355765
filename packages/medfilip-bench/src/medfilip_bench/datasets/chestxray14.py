"""NIH ChestX-ray14: 14 classes read from reports, and boxes for eight of them."""

from collections import defaultdict
from pathlib import Path

from medfilip_bench.datasets.assemble import assemble
from medfilip_bench.datasets.card import Card, Expected
from medfilip_bench.datasets.entry import Entry, Source, choose
from medfilip_bench.datasets.geometry import PixelBox
from medfilip_bench.datasets.inventory import by_stem, home, take_stock
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet, Subject
from medfilip_bench.datasets.reader import Inventory, Reader, ReadOptions
from medfilip_bench.datasets.splits import divide_training
from medfilip_bench.datasets.subjects import age_of, sex_of, view_of
from medfilip_bench.datasets.table import header_of, number, read_cells, read_names, read_rows
from medfilip_bench.errors import DataError, UnknownNameError

LABELS = "Data_Entry_2017_v2020.csv"
OLDER_LABELS = "Data_Entry_2017.csv"
# The ten commonest classes by images in the label table; the paper's ten are not named.
COMMON = (
    "infiltration",
    "pleural_effusion",
    "atelectasis",
    "nodule",
    "mass",
    "pneumothorax",
    "consolidation",
    "pleural_thickening",
    "cardiomegaly",
    "emphysema",
)
CARD = Card(
    id="chestxray14",
    name="NIH ChestX-ray14",
    source="National Institutes of Health Clinical Center, 2017 (labels of 2020)",
    licence="no restrictions; cite the paper and name the NIH Clinical Center",
    access="open download from the NIH Clinical Center or Kaggle: twelve archives of images and "
    "the tables",
    citation="Wang X, Peng Y, Lu L, et al. ChestX-ray8: Hospital-scale Chest X-ray Database and "
    "Benchmarks on Weakly-Supervised Classification and Localization of Common Thorax Diseases. "
    "CVPR 2017:3462-3471.",
    classes={
        "Atelectasis": "atelectasis",
        "Cardiomegaly": "cardiomegaly",
        "Effusion": "pleural_effusion",
        "Infiltration": "infiltration",
        "Mass": "mass",
        "Nodule": "nodule",
        "Pneumonia": "pneumonia",
        "Pneumothorax": "pneumothorax",
        "Consolidation": "consolidation",
        "Edema": "pulmonary_edema",
        "Emphysema": "emphysema",
        "Fibrosis": "pulmonary_fibrosis",
        "Pleural_Thickening": "pleural_thickening",
        "Hernia": "hernia",
    },
    splits="the official test list (25,596 images) is test; the official train_val list is divided "
    "by a hash of the patient, 70 parts train to 15 valid",
    folders=("chestxray14", "ChestX-ray14", "nih_cxr14", "NIH", "CXR8"),
    layout=(
        Expected(LABELS, f"112,120 rows; {OLDER_LABELS} is read too"),
        Expected("train_val_list.txt", "86,524 names"),
        Expected("test_list.txt", "25,596 names"),
        Expected("images_0*/images/*.png", "112,120 radiographs, 1024 x 1024; or images/*.png"),
        Expected("BBox_List_2017.csv", "984 boxes of 880 images", needed=False),
    ),
    notes=(
        "The labels were read from reports by a program; its errors are theirs.",
        "The paper's 10 common classes are not named; the ten commonest of the label table are "
        "taken for its column: " + ", ".join(name.replace("_", " ") for name in COMMON) + ".",
        "RSNA, SIIM-ACR and a part of COVID-19 Radiography are made from these images.",
    ),
    pictures=True,
)
_COLUMNS = ("Image Index", "Finding Labels", "Patient ID", "Patient Age", "View Position")
# The two versions of the table name it differently.
_SEX = ("Patient Gender", "Patient Sex")
_BOXES = "BBox_List_2017.csv"
_IMAGES = 112_120
# Boxes are in pixels of the published images.
_SIDE = (1024.0, 1024.0)
# The list of boxes has its own word for a class of the label table.
BOX_NAMES = {"Infiltrate": "Infiltration"}


def entries(folder: Path) -> list[Entry]:
    """Read the label table, the two lists and the boxes.

    Raises:
        DataError: For one of the files, or an image that stands in neither list.
    """
    table = next((t for t in (LABELS, OLDER_LABELS) if (folder / t).is_file()), LABELS)
    sex = next((name for name in _SEX if name in header_of(folder / table)), _SEX[0])
    rows = read_rows(folder / table, (*_COLUMNS, sex))
    training = set(read_names(folder / "train_val_list.txt"))
    test = set(read_names(folder / "test_list.txt"))
    boxes = _boxes(folder / _BOXES) if (folder / _BOXES).is_file() else {}
    files = by_stem(sorted([*folder.glob("images*/*.png"), *folder.glob("images_*/images/*.png")]))
    found: list[Entry] = []
    for line, row in enumerate(rows, start=2):
        name = row["Image Index"]
        if name not in training and name not in test:
            raise DataError(
                f"{table} line {line}: {name!r} is in neither train_val_list.txt nor test_list.txt:"
                " label table and lists are of different versions"
            )
        stem = name.rpartition(".")[0] or name
        found.append(
            Entry(
                id=stem,
                file=files.get(stem) or folder / "images" / name,
                patient=row["Patient ID"],
                split="test" if name in test else divide_training(row["Patient ID"]),
                labels=_labels(row["Finding Labels"], f"{table} line {line}"),
                subject=Subject(
                    sex_of(row[sex]), age_of(row["Patient Age"]), view_of(row["View Position"])
                ),
                boxes=tuple(boxes[stem]) if stem in boxes else None,
            )
        )
    return found


def _labels(text: str, where: str) -> tuple[float, ...]:
    named = {name.strip() for name in text.split("|")} - {"No Finding"}
    if unknown := sorted(named - set(CARD.classes)):
        raise UnknownNameError(f"label in {where},", unknown[0], CARD.classes)
    return tuple(float(name in named) for name in CARD.classes)


def _boxes(path: Path) -> dict[str, list[PixelBox]]:
    """Read the boxes by position: the header's own commas split its last names."""
    found: dict[str, list[PixelBox]] = defaultdict(list)
    for line, row in enumerate(read_cells(path), start=2):
        where = f"{path.name} line {line}"
        if len(row) < len(("image", "label", "x", "y", "w", "h")):
            raise DataError(f"{where} has {len(row)} cells; a box has six")
        x, y, width, height = (number(cell, where) for cell in row[2:6])
        category = box_category(row[1].strip(), where)
        found[Path(row[0].strip()).stem].append(
            PixelBox(category, x, y, width, height, image=_SIDE)
        )
    return found


def box_category(label: str, where: str) -> str:
    """Return the category of a box's label.

    Args:
        label: As the list of boxes writes it (``Infiltrate``).
        where: File and line, for the message.

    Raises:
        UnknownNameError: If it is no class.
    """
    name = BOX_NAMES.get(label, label)
    if name not in CARD.classes:
        raise UnknownNameError(f"label in {where},", label, [*CARD.classes, *BOX_NAMES])
    return CARD.classes[name]


def check(folder: Path) -> Inventory:
    """Say what of the data set is in a folder."""
    place = home(folder, MARKS)
    extra = ((_BOXES, "984 boxes (for grounding only)"),)
    return take_stock(CARD, place, lambda: entries(place), images=_IMAGES, extra=extra)


def read(folder: Path, options: ReadOptions) -> LabelledSet:
    """Read the data set; see `medfilip_bench.datasets.assemble.assemble` for what it raises."""
    place = home(folder, MARKS)
    classes = tuple(LabelClass(category, name) for name, category in CARD.classes.items())
    source = Source(CARD, place, classes, CARD.splits)
    return assemble(source, choose(entries(place), options), options)


MARKS = (LABELS, OLDER_LABELS)
READER = Reader(CARD, MARKS, check, read)
