"""CheXpert: the five classes of its competition, judged on images that radiologists labelled."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from medfilip_bench.datasets.assemble import assemble
from medfilip_bench.datasets.card import Card, Expected
from medfilip_bench.datasets.entry import Entry, Source, choose
from medfilip_bench.datasets.inventory import home, take_stock
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet, Subject
from medfilip_bench.datasets.reader import Inventory, Reader, ReadOptions
from medfilip_bench.datasets.splits import divide_training
from medfilip_bench.datasets.subjects import age_of, sex_of, view_of
from medfilip_bench.datasets.table import header_of, read_rows
from medfilip_bench.errors import DataError

# CheXpert's own names of the five -> categories.
FIVE = {
    "Atelectasis": "atelectasis",
    "Cardiomegaly": "cardiomegaly",
    "Consolidation": "consolidation",
    "Edema": "pulmonary_edema",
    "Pleural Effusion": "pleural_effusion",
}
CARD = Card(
    id="chexpert",
    name="CheXpert-5",
    source="Stanford ML Group, 2019 (CheXpert-v1.0 or -small)",
    licence="Stanford University Dataset Research Use Agreement: non-commercial research",
    access="register and accept the research use agreement of Stanford AIMI; the images may not be "
    "passed on",
    citation="Irvin J, Rajpurkar P, Ko M, et al. CheXpert: A Large Chest Radiograph Dataset with "
    "Uncertainty Labels and Expert Comparison. AAAI 2019;33:590-597.",
    classes=FIVE,
    splits="the official valid.csv (200 patients, labelled by radiologists) is test; train.csv, "
    "labelled by a program, is divided by a hash of the patient, 70 parts train to 15 valid",
    folders=("chexpert", "CheXpert-v1.0-small", "CheXpert-v1.0", "CheXpert"),
    layout=(
        Expected("train.csv", "223,414 rows"),
        Expected("valid.csv", "234 rows"),
        Expected("train/patient<n>/study<n>/view<n>_frontal.jpg", "frontal radiographs"),
        Expected("valid/patient<n>/study<n>/view<n>_frontal.jpg", "frontal radiographs"),
    ),
    notes=(
        "1 is present; 0 and blank are absent (blank: not mentioned); -1, uncertain, is not known "
        "and is judged for no class.",
        "Lateral views are left out.",
        "The training labels were read from reports by a program; the test labels are those of "
        "radiologists.",
    ),
)
_COLUMNS = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA")
# Frontal images of train.csv and valid.csv.
_IMAGES = 191_027 + 202
# A blank is "not mentioned", which the competition counts as absent; -1 is uncertain.
_VALUES = {"": 0.0, "0": 0.0, "1": 1.0, "-1": float("nan")}


def entries(folder: Path, classes: Mapping[str, str] = FIVE) -> list[Entry]:
    """Read the two label files, frontal views only.

    Args:
        folder: Holds train.csv and valid.csv.
        classes: CheXpert's names of the classes -> categories.

    Raises:
        DataError: For one of the files, or a path that names no patient.
    """
    return [
        _entry(folder, table, line, row, classes)
        for table in ("train.csv", "valid.csv")
        for line, row in enumerate(read_rows(folder / table, (*_COLUMNS, *classes)), start=2)
        if row["Frontal/Lateral"] == "Frontal"
    ]


def _entry(
    folder: Path, table: str, line: int, row: Mapping[str, str], classes: Mapping[str, str]
) -> Entry:
    # CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg
    path = PurePosixPath(row["Path"])
    patient = next((part for part in path.parts if part.startswith("patient")), None)
    place = next((n for n, part in enumerate(path.parts) if part in ("train", "valid")), None)
    if patient is None or place is None or ".." in path.parts:
        raise DataError(
            f"{table} line {line}: path {row['Path']!r}; expected "
            "'CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg'"
        )
    inside = PurePosixPath(*path.parts[place:])
    return Entry(
        id=inside.with_suffix("").as_posix(),
        file=folder / inside,
        patient=patient,
        split="test" if table == "valid.csv" else divide_training(patient),
        labels=tuple(_value(row[name], f"{table} line {line}, {name}") for name in classes),
        subject=Subject(sex_of(row["Sex"]), age_of(row["Age"]), view_of(row["AP/PA"])),
    )


def _value(text: str, where: str) -> float:
    short = text.removesuffix(".0")
    if short not in _VALUES:
        raise DataError(f"{where} is {text!r}; allowed are 1, 0, -1 and blank")
    return _VALUES[short]


def check(folder: Path) -> Inventory:
    """Say what of the data set is in a folder."""
    place = home(folder, MARKS)
    return take_stock(CARD, place, lambda: entries(place), images=_IMAGES)


def read(folder: Path, options: ReadOptions, classes: Mapping[str, str] = FIVE) -> LabelledSet:
    """Read the data set; see `medfilip_bench.datasets.assemble.assemble` for what it raises.

    Args:
        folder: Holds train.csv and valid.csv.
        options: What is wanted.
        classes: CheXpert's names of the classes -> categories.
    """
    place = home(folder, MARKS)
    columns = tuple(LabelClass(category, name) for name, category in classes.items())
    source = Source(replace(CARD, classes=classes), place, columns, CARD.splits)
    return assemble(source, choose(entries(place, classes), options), options)


def knows(folder: Path) -> bool:
    """Whether the label file is CheXpert's: others are called valid.csv too."""
    return set(_COLUMNS) <= set(header_of(folder / "valid.csv"))


MARKS = ("valid.csv",)
READER = Reader(CARD, MARKS, check, read, knows)
