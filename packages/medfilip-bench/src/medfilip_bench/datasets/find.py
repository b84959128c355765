"""Which data sets lie under a folder, and the reader of each."""

from collections.abc import Mapping
from pathlib import Path

from medfilip_bench.datasets import (
    chestxray14,
    chexpert,
    covid_qu_ex,
    covid_radiography,
    kermany,
    manifest,
    mimic,
    rsna,
    siim,
    six_entities,
    vinbigdata,
)
from medfilip_bench.datasets.inventory import folders, has_mark, place_of
from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.datasets.reader import Reader, ReadOptions
from medfilip_bench.errors import DataError, UnknownNameError

READERS: Mapping[str, Reader] = {
    reader.card.id: reader
    for reader in (
        mimic.READER_16,
        mimic.READER_MULTI,
        mimic.READER_FG,
        chestxray14.READER,
        rsna.READER,
        vinbigdata.READER,
        siim.READER,
        chexpert.READER,
        six_entities.READER,
        covid_radiography.READER,
        covid_qu_ex.READER,
        kermany.READER,
    )
}
COMMON: Mapping[str, tuple[str, ...]] = {
    "chestxray14": chestxray14.COMMON,
    "vinbigdata": vinbigdata.COMMON,
}
"""Categories of a data set that stand for it in the paper's column; all where it is not here."""


def find(root: Path) -> list[tuple[Reader, Path]]:
    """Find the data sets in a folder and in the folders directly below it.

    A folder is a data set's by its name, even if its label file is missing, or by its label file.
    Manifest folders are data sets of their own, called as the folder. The six entities are read
    from the first of their sets that is there.

    Args:
        root: The data root, or the folder of one data set.

    Returns:
        Readers and folders, one of each data set.

    Raises:
        DataError: If the root is no folder.
    """
    if not root.is_dir():
        raise DataError(f"no data folder {str(root)!r}; name the folder that holds the data sets")
    # The root itself comes last: it is the folder of one data set, if nothing below it is.
    places = [*folders(root), root]
    found = [
        (reader, folder)
        for name, reader in READERS.items()
        if name != six_entities.CARD.id
        for folder in [_folder(reader, places, root)]
        if folder is not None
    ]
    for place in places:
        # Kermany's manifest has no finding_labels and is no manifest folder.
        if manifest.knows(place):
            taken = [*READERS, *(reader.card.id for reader, _ in found)]
            found.append((manifest.reader(place, taken), place))
    if not found and (root / manifest.MANIFEST).is_file():
        # A folder that is meant to be one: its reader says what is wrong with the manifest.
        found.append((manifest.reader(root, list(READERS)), root))
    bases = [base.card.id for base, _ in six_entities.BASES]
    entities = sorted(
        (bases.index(reader.card.id), folder)
        for reader, folder in found
        if reader.card.id in bases and six_entities.base(folder) is not None
    )
    return found + [(six_entities.READER, folder) for _, folder in entities[:1]]


def _folder(reader: Reader, places: list[Path], root: Path) -> Path | None:
    """The folder of a data set: one that has its label file, else one that has its name."""
    names = [name.lower() for name in reader.card.folders]
    named = sorted(
        (place for place in places if place != root and place.name.lower() in names),
        key=lambda place: names.index(place.name.lower()),
    )
    marked = [place for place in (*named, *places) if _holds(reader, place, deep=place != root)]
    return next(iter([*marked, *named]), None)


def _holds(reader: Reader, folder: Path, *, deep: bool) -> bool:
    if deep:
        return place_of(folder, reader.marker, reader.knows) is not None
    return has_mark(folder, reader.marker) and (reader.knows is None or reader.knows(folder))


def read(name: str, root: Path, options: ReadOptions) -> LabelledSet:
    """Read a data set by its id.

    Args:
        name: Its id.
        root: The data root.
        options: What is wanted.

    Raises:
        UnknownNameError: No data set has that id.
        DataError: It is not under the root, or cannot be read.
    """
    found = {reader.card.id: (reader, folder) for reader, folder in find(root)}
    if name not in found:
        if name not in READERS:
            raise UnknownNameError("data set", name, [*READERS, *found])
        card = READERS[name].card
        raise DataError(f"{card.name} is not under {str(root)!r}; to get it: {card.access}")
    reader, folder = found[name]
    return reader.read(folder, options)
