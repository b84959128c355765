"""How a data set is found and read: the contract of every reader."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from iki_knowledge import KnowledgeBase
from medfilip_model.data.samples import SPLITS, Split
from medfilip_model.progress import Listener, Silent

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelledSet


@dataclass(frozen=True)
class ReadOptions:
    """How a data set is read.

    Attributes:
        kb: The dictionary.
        size: Side of the square images in pixels.
        splits: The splits that are wanted; images of others are neither decoded nor returned.
        limit: At most so many images of each split, drawn by the seed; None: all. Whole patients
            are kept or left out.
        seed: Of that draw.
        workers: Threads that decode.
        masks: Whether masks are wanted.
        listener: Hears of progress.
    """

    kb: KnowledgeBase
    size: int
    splits: tuple[Split, ...] = SPLITS
    limit: int | None = None
    seed: int = 0
    workers: int = 1
    masks: bool = False
    listener: Listener = field(default_factory=Silent)


@dataclass(frozen=True)
class Inventory:
    """What was found of a data set under a data root.

    Attributes:
        card: The data set.
        folder: Its folder; None where it was not found.
        found: What is there, in words with counts, e.g. ``26,684 of 26,684 images``.
        missing: What is expected and not there.
        wrong: What is there and not as expected, each in a line.
        usable: Whether it can be read.
    """

    card: Card
    folder: Path | None
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    usable: bool = False


@dataclass(frozen=True)
class Reader:
    """One data set: pinned facts, and the functions that know its files.

    Attributes:
        card: What is pinned.
        marker: Patterns of label files by which a folder is recognised.
        check: Folder -> inventory: files, header versions, counts; decodes no image.
        read: Folder, options -> the set.
        knows: Tells the data set from others with a marker of the same name; None: a marker is
            enough.
    """

    card: Card
    marker: tuple[str, ...]
    check: Callable[[Path], Inventory]
    read: Callable[[Path, ReadOptions], LabelledSet]
    knows: Callable[[Path], bool] | None = None
