"""What is pinned of a data set: source, licence, citation, classes, splits, files, traps."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Expected:
    """A file or folder of the official layout.

    Attributes:
        path: Relative to the data set's folder; ``*`` and ``<id>`` stand for many.
        what: What it holds.
        needed: Whether nothing can be read without it.
    """

    path: str
    what: str
    needed: bool = True


@dataclass(frozen=True)
class Card:
    """What is pinned of a data set.

    Attributes:
        id: Short name, as tasks and folders use it: ``rsna``.
        name: As its makers call it.
        source: Who publishes it, and where.
        licence: Its licence or terms of use.
        access: How to get it, and on which conditions; nothing is downloaded here.
        citation: The paper to cite.
        classes: Class as the data set writes it -> category of the dictionary.
        single: Whether an image has exactly one of the classes (or none: normal).
        splits: Which images are train, valid and test, in words; by patient where known.
        folders: Names under the data root by which it is found, first match first; it is also found
            under any other name by its label file.
        layout: What is expected in its folder.
        notes: What a reader of a result must know: label noise, confounding, shared images.
        pictures: Whether its images may be shown in a report that leaves the machine; never for
            credentialed data.
    """

    id: str
    name: str
    source: str
    licence: str
    access: str
    citation: str
    classes: Mapping[str, str]
    splits: str
    folders: tuple[str, ...] = ()
    single: bool = False
    layout: tuple[Expected, ...] = ()
    notes: tuple[str, ...] = field(default=())
    pictures: bool = False
