"""COVID-19 Radiography Database: four folders, one a class, with lung masks."""

from pathlib import Path

from medfilip_bench.datasets.assemble import assemble
from medfilip_bench.datasets.card import Card, Expected
from medfilip_bench.datasets.entry import Entry, Source, choose
from medfilip_bench.datasets.geometry import FileMask
from medfilip_bench.datasets.inventory import home, take_stock
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.datasets.reader import Inventory, Reader, ReadOptions
from medfilip_bench.datasets.splits import divide
from medfilip_bench.errors import DataError

CARD = Card(
    id="covid_radiography",
    name="COVID-19 Radiography Database",
    source="Qatar University and the University of Dhaka, on Kaggle, version 5 (2021)",
    licence="that of each source; free for research with citation",
    access="a Kaggle account; download and unpack covid19-radiography-database",
    citation="Chowdhury MEH, Rahman T, Khandakar A, et al. Can AI Help in Screening Viral and "
    "COVID-19 Pneumonia? IEEE Access 2020;8:132665-132676. Rahman T, Khandakar A, Qiblawey Y, et "
    "al. Exploring the effect of image enhancement techniques on COVID-19 detection using chest "
    "X-ray images. Computers in Biology and Medicine 2021;132:104319.",
    classes={
        "COVID": "covid19",
        "Lung_Opacity": "lung_opacity",
        "Viral Pneumonia": "viral_pneumonia",
    },
    single=True,
    splits="no official split and no patients: divided by a hash of the image, 70 % train, 15 % "
    "valid, 15 % test; images of one patient may be in two splits",
    folders=("covid_radiography", "COVID-19_Radiography_Dataset", "covid19-radiography-database"),
    layout=(
        Expected("COVID/images/*.png", "3,616 images"),
        Expected("Lung_Opacity/images/*.png", "6,012 images"),
        Expected("Normal/images/*.png", "10,192 images"),
        Expected("Viral Pneumonia/images/*.png", "1,345 images"),
        Expected("<class>/masks/*.png", "lung masks, 256 x 256", needed=False),
        Expected("<class>.metadata.xlsx", "names and addresses; not read", needed=False),
    ),
    notes=(
        "Class equals source: COVID-19 comes from other hospitals and collections than the rest, "
        "viral pneumonia from children of one hospital. A model can score by telling the sources "
        "apart.",
        "The classes Normal and Lung_Opacity take images from RSNA, and so from ChestX-ray14.",
        "Patients are not told; the split is by image.",
    ),
)
_IMAGES = 3_616 + 6_012 + 10_192 + 1_345
_NORMAL = "Normal"


def entries(folder: Path) -> list[Entry]:
    """List the images of the four folders; a mask has the name of its image.

    Raises:
        DataError: If a folder is missing, empty, or of an older version.
    """
    return [
        _entry(folder, name, file)
        for name in (*CARD.classes, _NORMAL)
        for file in _files(folder, name)
    ]


def _files(folder: Path, name: str) -> list[Path]:
    files = sorted((folder / name / "images").glob("*.png"))
    if not files:
        older = next((folder / name).glob("*.png"), None)
        raise DataError(
            f"images lie in {name}/ itself: this is an older version; version 5 has {name}/images/"
            if older
            else f"{name}/images/ is missing or has no PNG file"
        )
    return files


def _entry(folder: Path, name: str, file: Path) -> Entry:
    mask = folder / name / "masks" / file.name
    identity = f"{name}/{file.stem}"
    return Entry(
        id=identity,
        file=file,
        patient=identity,
        split=divide(identity),
        labels=tuple(float(name == other) for other in CARD.classes),
        mask=FileMask(mask) if mask.is_file() else None,
    )


def check(folder: Path) -> Inventory:
    """Say what of the data set is in a folder."""
    place = home(folder, MARKS)
    extra = (("*/masks/*.png", "lung masks (not needed)"),)
    return take_stock(CARD, place, lambda: entries(place), images=_IMAGES, extra=extra)


def read(folder: Path, options: ReadOptions) -> LabelledSet:
    """Read the data set; see `medfilip_bench.datasets.assemble.assemble` for what it raises."""
    place = home(folder, MARKS)
    classes = tuple(LabelClass(category, name) for name, category in CARD.classes.items())
    source = Source(CARD, place, classes, CARD.splits, mask_of="lungs")
    return assemble(source, choose(entries(place), options), options)


MARKS = ("COVID/images", "COVID/*.png")
READER = Reader(CARD, MARKS, check, read)
