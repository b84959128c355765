"""One image with its findings, and a set of them with their pixels."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from iki_knowledge import Finding, KnowledgeBase
from jaxtyping import Float

from medfilip_model.errors import DataError

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@runtime_checkable
class PixelStore(Protocol):
    """N grey images [H, W] that are read by row: a numpy array, a memory map, or shards.

    Indexed as an array's first axis is: by a row, a slice, or an int64 array of rows, which gives
    a new axis order and may repeat. What comes back is uint8.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W)."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any:  # noqa: ANN401 - the index decides the axes
        """The images of some rows: UInt8 [n, H, W], or [H, W] for a single row."""
        ...


@dataclass(frozen=True)
class Sample:
    """One image, without its pixels.

    Attributes:
        id: Image id; a findings.jsonl names it as ``report_id``.
        patient_id: Whose image it is; splits never share a patient.
        split: ``train``, ``valid`` or ``test``.
        findings: What is known of it; a category that is not named is taken as absent. None when
            nothing is known, so that the image is neither a positive nor a negative of anything.
        report: The whole report, where there is one.
        view: Projection as the source names it (``PA``, ``AP``), where it says so.
        study_id: Images of one study share a report; None: the image is a study of its own.
    """

    id: str
    patient_id: str
    split: Split
    findings: tuple[Finding, ...] | None
    report: str | None = None
    view: str | None = None
    study_id: str | None = None

    @property
    def present(self) -> tuple[Finding, ...]:
        """The findings that are affirmed."""
        return tuple(f for f in self.findings or () if f.presence == "present")

    @property
    def normal(self) -> bool:
        """Whether the image is known to have no finding, not even a doubtful one."""
        return self.findings is not None and all(f.presence == "absent" for f in self.findings)


@dataclass(frozen=True)
class Skipped:
    """An input that was left out, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class ImageSet:
    """Samples and their pixels, row by row.

    Attributes:
        name: What the images are, in words.
        samples: N samples.
        pixels: [N, H, W] grey values: an array, a memory map, or shards decoded on access.
        skipped: Files that could not be read.
        classes: Categories that the set is made to test; None: all that its findings name.
    """

    name: str
    samples: tuple[Sample, ...]
    pixels: PixelStore
    skipped: tuple[Skipped, ...] = ()
    classes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.samples) != len(self.pixels):
            raise DataError(f"{len(self.samples)} samples for {len(self.pixels)} images")
        check_ids(self.samples)
        check_patients(self.samples)

    def rows(self, split: Split) -> list[int]:
        """Return the row numbers of one split."""
        return [row for row, sample in enumerate(self.samples) if sample.split == split]

    def map(self, change: Callable[[Sample], Sample]) -> "ImageSet":
        """Return the same images with changed samples."""
        return replace(self, samples=tuple(change(sample) for sample in self.samples))


def check_ids(samples: Sequence[Sample]) -> None:
    """Raise DataError when two samples share an id."""
    if twice := [name for name, n in Counter(s.id for s in samples).items() if n > 1]:
        raise DataError(
            f"image id {twice[0]!r} occurs more than once ({len(twice)} such ids): "
            "give every image an id of its own"
        )


def check_patients(samples: Sequence[Sample]) -> None:
    """Raise DataError when a patient has images in two splits: the score would be flattered."""
    seen: dict[str, Split] = {}
    for sample in samples:
        split = seen.setdefault(sample.patient_id, sample.split)
        if split != sample.split:
            raise DataError(
                f"patient {sample.patient_id!r} is in both {split!r} and {sample.split!r}: "
                "put all images of a patient into one split"
            )


def labels(
    samples: Sequence[Sample], categories: Sequence[str], kb: KnowledgeBase | None = None
) -> Float[np.ndarray, "N C"]:
    """Return what is known of each image and category: 1 present, 0 absent, NaN not known.

    A doubtful finding is not known; so is every category of a sample without findings.

    Args:
        samples: N samples.
        categories: C category ids.
        kb: Dictionary, to count a finding as one of its broader categories too: an image with an
            empyema shows a pleural effusion. None: each finding stands for its own category alone.

    Returns:
        The table.
    """
    table = np.zeros((len(samples), len(categories)), dtype=np.float32)
    column = {category: c for c, category in enumerate(categories)}
    for row, sample in enumerate(samples):
        if sample.findings is None:
            table[row] = np.nan
            continue
        # "present" is written last, so that one affirmed finding outweighs a doubtful twin.
        for finding in sorted(sample.findings, key=lambda f: f.presence == "present"):
            # Denying a finding denies no broader one.
            if finding.presence == "absent":
                continue
            known = 1.0 if finding.presence == "present" else np.nan
            for category in names(finding.category, kb):
                if category in column:
                    table[row, column[category]] = known
    return table


def names(category: str, kb: KnowledgeBase | None) -> tuple[str, ...]:
    """A category and, with a dictionary, the broader ones that it is one of."""
    return (category,) if kb is None else (category, *kb.ancestors(category))
