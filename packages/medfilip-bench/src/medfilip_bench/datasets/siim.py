"""SIIM-ACR Pneumothorax Segmentation: one class with masks as run lengths."""

from collections import defaultdict
from pathlib import Path

from medfilip_bench.datasets.assemble import assemble
from medfilip_bench.datasets.card import Card, Expected
from medfilip_bench.datasets.entry import Entry, Source, choose
from medfilip_bench.datasets.geometry import FileMask
from medfilip_bench.datasets.headers import with_subjects
from medfilip_bench.datasets.inventory import by_stem, home, take_stock
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.datasets.reader import Inventory, Reader, ReadOptions
from medfilip_bench.datasets.rle import NONE, RunMask
from medfilip_bench.datasets.splits import divide, divide_training
from medfilip_bench.datasets.table import header_of, read_rows
from medfilip_bench.errors import DataError

LABELS = "train-rle.csv"
MIRROR_LABELS = "stage_1_train_images.csv"
CARD = Card(
    id="siim",
    name="SIIM-ACR Pneumothorax Segmentation",
    source="Society for Imaging Informatics in Medicine and American College of Radiology, on "
    "Kaggle (2019)",
    licence="the challenge's rules: non-commercial use and academic research",
    access="a Kaggle account; accept the rules of siim-acr-pneumothorax-segmentation, download and "
    "unpack; the PNG mirror (png_images, png_masks, stage_1_train_images.csv) is read too",
    citation="Filice RW, Stein A, Wu CC, et al. Crowdsourcing pneumothorax annotations using "
    "machine learning annotations on the NIH chest X-ray dataset. Journal of Digital Imaging "
    "2020;33:490-496.",
    classes={"Pneumothorax": "pneumothorax"},
    splits="divided by a hash of the image, 70 % train, 15 % valid, 15 % test (patients are not "
    "told); the mirror's stage_1_test_images.csv, where it lies beside, is its test split",
    folders=("siim", "siim-acr-pneumothorax-segmentation", "siim-acr-pneumothorax"),
    layout=(
        Expected(LABELS, f"run lengths: one row a mask, -1 for none; or {MIRROR_LABELS}"),
        Expected(
            "dicom-images-train/**/<ImageId>.dcm", "10,675 radiographs, 1024 x 1024; or png_images/"
        ),
        Expected("png_masks/*.png", "masks of the PNG mirror", needed=False),
    ),
    notes=(
        "About 78 % of the images have no pneumothorax: a model that marks nothing has a mean "
        "Dice of 0.78 over all images, so Dice on positives and on negatives stand apart.",
        "The images come from ChestX-ray14: scores are no independent test of a model that was "
        "trained on it.",
    ),
)
_MIRROR_TEST = "stage_1_test_images.csv"
_MIRROR_COLUMNS = ("new_filename", "ImageId", "has_pneumo")
# The header has a space before the second name, which reading strips.
_COLUMNS = ("ImageId", "EncodedPixels")
_IMAGES = 10_675
_MIRROR_IMAGES = 12_047
_SIDE = 1024


def entries(folder: Path) -> list[Entry]:
    """Read the run lengths, or the tables of the PNG mirror.

    Raises:
        DataError: For the label file.
    """
    if (folder / LABELS).is_file() or not (folder / MIRROR_LABELS).is_file():
        return _of_runs(folder)
    return _of_mirror(folder)


def _of_runs(folder: Path) -> list[Entry]:
    """Several rows of an image are one mask: their union."""
    cells: dict[str, list[str]] = defaultdict(list)
    for line, row in enumerate(read_rows(folder / LABELS, _COLUMNS), start=2):
        if not row["EncodedPixels"]:
            raise DataError(f"{LABELS} line {line}: EncodedPixels is empty; {NONE} stands for none")
        cells[row["ImageId"]].append(row["EncodedPixels"])
    files = by_stem(
        sorted(
            path
            for path in folder.rglob("*.dcm")
            if "test" not in path.relative_to(folder).parts[0].lower()
        )
    )
    found: list[Entry] = []
    for name, told in cells.items():
        runs = tuple(cell for cell in told if cell != NONE)
        found.append(
            Entry(
                id=name,
                file=files.get(name, folder / "dicom-images-train" / f"{name}.dcm"),
                patient=name,
                split=divide(name),
                labels=(float(bool(runs)),),
                # An image without pneumothorax has a mask: an empty one.
                mask=RunMask(runs or (NONE,), _SIDE),
            )
        )
    return found


def _of_mirror(folder: Path) -> list[Entry]:
    tested = (folder / _MIRROR_TEST).is_file()
    found: list[Entry] = []
    for table in (MIRROR_LABELS, *([_MIRROR_TEST] if tested else [])):
        for line, row in enumerate(read_rows(folder / table, _MIRROR_COLUMNS), start=2):
            if row["has_pneumo"] not in ("0", "1"):
                raise DataError(
                    f"{table} line {line}: has_pneumo is {row['has_pneumo']!r}; allowed are 0 and 1"
                )
            name, file = row["ImageId"], Path(row["new_filename"]).name
            held_out = "test" if table == _MIRROR_TEST else divide_training(name)
            found.append(
                Entry(
                    id=name,
                    file=folder / "png_images" / file,
                    patient=name,
                    split=held_out if tested else divide(name),
                    labels=(float(row["has_pneumo"]),),
                    mask=FileMask(folder / "png_masks" / file),
                )
            )
    return found


def check(folder: Path) -> Inventory:
    """Say what of the data set is in a folder."""
    place = home(folder, MARKS)
    mirror = not (place / LABELS).is_file() and (place / MIRROR_LABELS).is_file()
    extra = (("png_masks/*.png", "masks (for segmentation only)"),) if mirror else ()
    images = _MIRROR_IMAGES if mirror else _IMAGES
    return take_stock(CARD, place, lambda: entries(place), images=images, extra=extra)


def read(folder: Path, options: ReadOptions) -> LabelledSet:
    """Read the data set; see `medfilip_bench.datasets.assemble.assemble` for what it raises."""
    place = home(folder, MARKS)
    told = with_subjects(choose(entries(place), options), workers=options.workers)
    classes = tuple(LabelClass(category, name) for name, category in CARD.classes.items())
    source = Source(CARD, place, classes, CARD.splits, mask_of="pneumothorax")
    return assemble(source, told, options)


def knows(folder: Path) -> bool:
    """Whether a label file has SIIM-ACR's columns."""
    runs, mirror = header_of(folder / LABELS), header_of(folder / MIRROR_LABELS)
    return set(_COLUMNS) <= set(runs) or set(_MIRROR_COLUMNS) <= set(mirror)


MARKS = (LABELS, MIRROR_LABELS)
READER = Reader(CARD, MARKS, check, read, knows)
