"""COVID-QU-Ex: three folders a split, with lung and infection masks."""

from pathlib import Path

from medfilip_model.data.samples import Split

from medfilip_bench.datasets.assemble import assemble
from medfilip_bench.datasets.card import Card, Expected
from medfilip_bench.datasets.entry import Entry, Source, choose
from medfilip_bench.datasets.geometry import FileMask
from medfilip_bench.datasets.inventory import home, take_stock
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.datasets.reader import Inventory, Reader, ReadOptions
from medfilip_bench.errors import DataError

CARD = Card(
    id="covid_qu_ex",
    name="COVID-QU-Ex",
    source="Qatar University, on Kaggle (2021)",
    licence="that of each source; free for research with citation",
    access="a Kaggle account; download and unpack covidqu",
    citation="Tahir AM, Chowdhury MEH, Khandakar A, et al. COVID-19 infection localization and "
    "severity grading from chest X-ray images. Computers in Biology and Medicine 2021;139:105002.",
    classes={"COVID-19": "covid19", "Non-COVID": "pneumonia"},
    single=True,
    splits="the official folders Train, Val and Test (by image; patients are not told)",
    folders=("covid_qu_ex", "COVID-QU-Ex", "covidqu"),
    layout=(
        Expected(
            "…/{Train,Val,Test}/{COVID-19,Non-COVID,Normal}/images/*.png",
            "33,920 images: 11,956 COVID-19, 11,263 Non-COVID, 10,701 Normal",
        ),
        Expected("…/lung masks/*.png", "lung masks", needed=False),
        Expected("…/infection masks/*.png", "infection masks of a part", needed=False),
    ),
    notes=(
        "Class equals source: COVID-19 comes from other hospitals and collections than the rest. A "
        "model can score by telling the sources apart.",
        "It contains images of COVID-19 Radiography, RSNA and Kermany.",
        "Patients are not told; the split is by image.",
    ),
)
_IMAGES = 33_920
_SPLITS: dict[Split, str] = {"train": "Train", "valid": "Val", "test": "Test"}
_CLASSES = (*CARD.classes, "Normal")
# The archive has a part of the images twice; those for lung segmentation are all of them. Names are
# written out: a pattern would look into every folder of a data root.
_PLACES = (
    "",
    "Lung Segmentation Data/",
    "Lung Segmentation Data/Lung Segmentation Data/",
    "Infection Segmentation Data/",
    "Infection Segmentation Data/Infection Segmentation Data/",
)
MARKS = tuple(f"{place}Train/COVID-19" for place in _PLACES)


def entries(folder: Path) -> list[Entry]:
    """List the images of the nine folders; a mask has the name of its image.

    Raises:
        DataError: If a folder is missing or empty.
    """
    top = _top(folder)
    return [
        _entry(top, split, name, file)
        for split in _SPLITS
        for name in _CLASSES
        for file in _files(top, split, name)
    ]


def _top(folder: Path) -> Path:
    """The folder that holds Train, Val and Test; that of the lung masks where there are two."""
    place = home(folder, MARKS)
    for mark in MARKS:
        if (place / mark).is_dir():
            return (place / mark).parent.parent
    raise DataError("no folder has Train/COVID-19/ below it")


def _files(top: Path, split: Split, name: str) -> list[Path]:
    files = sorted((top / _SPLITS[split] / name / "images").glob("*.png"))
    if not files:
        raise DataError(f"{_SPLITS[split]}/{name}/images/ is missing or has no PNG file")
    return files


def _entry(top: Path, split: Split, name: str, file: Path) -> Entry:
    mask = top / _SPLITS[split] / name / "lung masks" / file.name
    identity = f"{_SPLITS[split]}/{name}/{file.stem}"
    return Entry(
        id=identity,
        file=file,
        patient=identity,
        split=split,
        labels=tuple(float(name == other) for other in CARD.classes),
        mask=FileMask(mask) if mask.is_file() else None,
    )


def check(folder: Path) -> Inventory:
    """Say what of the data set is in a folder."""
    extra = (("**/Test/COVID-19/lung masks", "lung masks (not needed)"),)
    return take_stock(CARD, folder, lambda: entries(folder), images=_IMAGES, extra=extra)


def read(folder: Path, options: ReadOptions) -> LabelledSet:
    """Read the data set; see `medfilip_bench.datasets.assemble.assemble` for what it raises."""
    classes = tuple(LabelClass(category, name) for name, category in CARD.classes.items())
    source = Source(CARD, folder, classes, CARD.splits, mask_of="lungs")
    return assemble(source, choose(entries(folder), options), options)


READER = Reader(CARD, MARKS, check, read)
