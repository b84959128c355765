"""What every check of a data set has in common: where it lies, what is there, what is amiss."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.entry import Entry
from medfilip_bench.datasets.reader import Inventory
from medfilip_bench.errors import DataError

Knows = Callable[[Path], bool]
_FEW = 40


def place_of(folder: Path, marks: Sequence[str], knows: Knows | None = None) -> Path | None:
    """Return the folder that holds a data set: this one, or one directly below it.

    Archives often unpack into a folder within a folder.

    Args:
        folder: Where to look.
        marks: Patterns of files or folders, any of which will do.
        knows: Tells the data set from others with such a mark.

    Returns:
        The first; None where there is none.
    """
    below = folders(folder)
    # Among thousands of folders (a patient each) there is no data set to look for.
    near = below if len(below) <= _FEW else []
    fits = (place for place in (folder, *near) if has_mark(place, marks))
    return next((place for place in fits if knows is None or knows(place)), None)


def home(folder: Path, marks: Sequence[str], knows: Knows | None = None) -> Path:
    """Return the folder that holds a data set; the one named where none does, to say what lacks.

    Args:
        folder: Where to look.
        marks: Patterns of files or folders, any of which will do.
        knows: Tells the data set from others with such a mark.
    """
    return place_of(folder, marks, knows) or folder


def folders(folder: Path) -> list[Path]:
    """Return the folders directly below one, in order; none where it is no folder."""
    if not folder.is_dir():
        return []
    # The entries tell files from folders without a look at each of 100,000 images.
    with os.scandir(folder) as entries:
        return sorted(folder / entry.name for entry in entries if entry.is_dir())


def has_mark(folder: Path, marks: Sequence[str]) -> bool:
    """Whether a folder has a file or folder that fits one of the patterns."""
    return any(next(folder.glob(mark), None) is not None for mark in marks)


def by_stem(files: Iterable[Path]) -> dict[str, Path]:
    """Return files by their names without ending; the first of two that share one."""
    found: dict[str, Path] = {}
    for file in files:
        found.setdefault(file.stem, file)
    return found


def take_stock(
    card: Card,
    folder: Path,
    entries: Callable[[], Sequence[Entry]],
    *,
    images: int,
    extra: Sequence[tuple[str, str]] = (),
) -> Inventory:
    """Compare the images that a label file names with the files and with the official count.

    Args:
        card: The data set.
        folder: Its folder.
        entries: Reads the label files; decodes nothing.
        images: Official number of images.
        extra: (pattern, what it is) of files that may be there and are told where they are not.

    Returns:
        What was found; a label file that cannot be read is in `wrong`.
    """
    missing = tuple(f"{what}: {pattern}" for pattern, what in extra if not _some(folder, pattern))
    try:
        listed = entries()
    except DataError as error:
        return Inventory(card, folder, missing=missing, wrong=(str(error),))
    here = [entry for entry in listed if entry.file.is_file()]
    splits = [f"{sum(e.split == s for e in here):,} {s}" for s in ("train", "valid", "test")]
    wrong: list[str] = []
    if len(listed) != images:
        wrong.append(
            f"the label files name {len(listed):,} images; the official ones name {images:,}: a "
            "part of the data set, or another version"
        )
    if len(here) < len(listed):
        first = next(entry for entry in listed if not entry.file.is_file())
        wrong.append(
            f"{len(listed) - len(here):,} of {len(listed):,} images are not on disk; the first is "
            f"{first.file.name!r}"
        )
    judged = any(entry.split == "test" for entry in here)
    if not judged:
        wrong.append("no image of the test split is on disk: there is nothing to judge")
    found = f"{len(here):,} of {images:,} images ({', '.join(splits)})"
    return Inventory(card, folder, (found,), missing, tuple(wrong), usable=judged)


def _some(folder: Path, pattern: str) -> bool:
    return next(folder.glob(pattern), None) is not None
