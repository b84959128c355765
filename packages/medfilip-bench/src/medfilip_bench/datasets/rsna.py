"""RSNA Pneumonia Detection Challenge: one class, boxes by radiologists, DICOM files."""

from collections import defaultdict
from pathlib import Path

from medfilip_bench.datasets.assemble import assemble
from medfilip_bench.datasets.card import Card, Expected
from medfilip_bench.datasets.entry import Entry, Source, choose
from medfilip_bench.datasets.geometry import PixelBox
from medfilip_bench.datasets.headers import with_subjects
from medfilip_bench.datasets.inventory import home, take_stock
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.datasets.reader import Inventory, Reader, ReadOptions
from medfilip_bench.datasets.splits import divide
from medfilip_bench.datasets.table import number, read_rows
from medfilip_bench.errors import DataError

LABELS = "stage_2_train_labels.csv"
CARD = Card(
    id="rsna",
    name="RSNA Pneumonia Detection Challenge",
    source="Radiological Society of North America, on Kaggle (2018), stage 2",
    licence="the challenge's rules: non-commercial use and academic research",
    access="a Kaggle account; accept the rules of rsna-pneumonia-detection-challenge, download and "
    "unpack the archive",
    citation="Shih G, Wu CC, Halabi SS, et al. Augmenting the National Institutes of Health Chest "
    "Radiograph Dataset with Expert Annotations of Possible Pneumonia. Radiology: Artificial "
    "Intelligence 2019;1(1):e180041.",
    classes={"Lung Opacity": "pneumonia"},
    splits="the labels of stage_2_test were never published: stage_2_train is divided by a hash of "
    "the patientId, 70 % train, 15 % valid, 15 % test",
    folders=("rsna", "rsna-pneumonia-detection-challenge", "rsna_pneumonia"),
    layout=(
        Expected(LABELS, "one row a box, or one row with empty coordinates: 30,227 rows"),
        Expected("stage_2_train_images/<patientId>.dcm", "26,684 radiographs, 1024 x 1024"),
        Expected("stage_2_detailed_class_info.csv", "normal, abnormal or opacity", needed=False),
    ),
    notes=(
        "Positive means a box “Lung Opacity”: an opacity that suggests pneumonia. Negatives "
        "include other diseases.",
        "The images are a part of ChestX-ray14 under new names, and the “Normal” class of "
        "COVID-19 Radiography takes images from here: scores on one are no independent test of a "
        "model that was trained on another.",
        "A patientId stands for one image; the same person may have several under other ids.",
    ),
)
_COLUMNS = ("patientId", "x", "y", "width", "height", "Target")
_IMAGES = 26_684
# Every image of the challenge was brought to this size before it was marked.
_SIDE = (1024.0, 1024.0)


def entries(folder: Path) -> list[Entry]:
    """Read the label file: several rows a patient are one image with several boxes.

    Raises:
        DataError: For the label file.
    """
    boxes: dict[str, list[PixelBox]] = defaultdict(list)
    targets: dict[str, set[str]] = defaultdict(set)
    for line, row in enumerate(read_rows(folder / LABELS, _COLUMNS), start=2):
        name, where = row["patientId"], f"{LABELS} line {line}"
        targets[name].add(row["Target"])
        if row["Target"] == "1":
            place = [number(row[c], f"{where}, {c}") for c in ("x", "y", "width", "height")]
            boxes[name].append(PixelBox("pneumonia", *place, image=_SIDE))
        elif row["Target"] != "0":
            raise DataError(f"{where}: Target is {row['Target']!r}; allowed are 0 and 1")
    if both := [name for name, told in targets.items() if len(told) > 1]:
        raise DataError(f"{LABELS}: {both[0]!r} has rows of Target 0 and of Target 1")
    return [
        Entry(
            id=name,
            file=folder / "stage_2_train_images" / f"{name}.dcm",
            patient=name,
            split=divide(name),
            labels=(float("1" in told),),
            boxes=tuple(boxes[name]),
        )
        for name, told in targets.items()
    ]


def check(folder: Path) -> Inventory:
    """Say what of the data set is in a folder."""
    place = home(folder, MARKS)
    extra = (("stage_2_detailed_class_info.csv", "normal, abnormal or opacity (not needed)"),)
    return take_stock(CARD, place, lambda: entries(place), images=_IMAGES, extra=extra)


def read(folder: Path, options: ReadOptions) -> LabelledSet:
    """Read the data set; see `medfilip_bench.datasets.assemble.assemble` for what it raises."""
    place = home(folder, MARKS)
    told = with_subjects(choose(entries(place), options), workers=options.workers)
    classes = tuple(LabelClass(category, name) for name, category in CARD.classes.items())
    return assemble(Source(CARD, place, classes, CARD.splits), told, options)


MARKS = (LABELS,)
READER = Reader(CARD, MARKS, check, read)
