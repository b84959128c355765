"""What is scored: phantom test sets, drawn once and cached, and splits of image folders."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from medfilip_model.data import ImageSet, Sample
from medfilip_model.phantom import (
    GENERATOR_VERSION,
    SEEN_CATEGORIES,
    PhantomConfig,
    phantom_images,
    plan_phantom,
)
from medfilip_model.progress import Listener

from medfilip_bench.files import hash_of
from medfilip_bench.results import DataInfo, Skipped

Part = Literal["test", "valid"]
Judge = Literal["test", "all"]
# Where each set's phantoms begin: far above the indices that training draws, and apart.
FIRST_INDEX = {
    "multi-test": 1_000_000,
    "multi-valid": 2_000_000,
    "single": 3_000_000,
    "covid-test": 4_000_000,
    "covid-valid": 5_000_000,
}


_WORTH_PROCESSES = 400


@dataclass(frozen=True)
class Drawing:
    """Phantoms of one recipe: a run of indices under one config."""

    config: PhantomConfig
    first: int
    count: int

    @property
    def indices(self) -> range:
        """The indices that are drawn."""
        return range(self.first, self.first + self.count)


@dataclass(frozen=True)
class PhantomReport:
    """What the phantom's reporter wrote."""

    id: str
    findings: str
    impression: str


@dataclass(frozen=True)
class Phantoms:
    """A phantom set with its reports."""

    images: ImageSet
    reports: tuple[PhantomReport, ...]


@dataclass
class PhantomSets:
    """The phantom test sets, each drawn when first asked for.

    Attributes:
        n: Images of the multi-label test set; the other sets are parts of it.
        seed: Seed of all sets.
        size: Side of the images in pixels.
        listener: Hears of progress.
        workers: Processes that draw.
    """

    n: int
    seed: int
    size: int
    listener: Listener
    workers: int = 1
    seen: tuple[str, ...] = SEEN_CATEGORIES
    _drawn: dict[str, Phantoms] = field(default_factory=dict, init=False)

    def multi(self, part: Part) -> ImageSet:
        """Return phantoms as training draws them: any number of seen classes."""
        return self.reported(part).images

    def reported(self, part: Part) -> Phantoms:
        """Return the multi-label phantoms with their reports."""
        count = self.n if part == "test" else half(self.n)
        config = PhantomConfig(size=self.size, seed=self.seed)
        return self._draw(f"multi-{part}", [Drawing(config, FIRST_INDEX[f"multi-{part}"], count)])

    def single(self) -> ImageSet:
        """Return phantoms with exactly one seen class, or none; every class as often."""
        each = max(1, half(self.n) // (len(self.seen) + 1))
        first = FIRST_INDEX["single"]
        plain = PhantomConfig(
            size=self.size, seed=self.seed, max_findings=1, normal_share=0.0, incidental_share=0.0
        )
        recipes = [plain.model_copy(update={"classes": (name,)}) for name in self.seen]
        recipes.append(plain.model_copy(update={"normal_share": 1.0}))
        drawings = [
            Drawing(config, first + number * each, each) for number, config in enumerate(recipes)
        ]
        return self._draw("single", drawings).images

    def covid(self, part: Part) -> ImageSet:
        """Return phantoms of which half show COVID-19 and half are as training draws them."""
        each = max(1, (self.n if part == "test" else half(self.n)) // 4)
        first = FIRST_INDEX[f"covid-{part}"]
        seen = PhantomConfig(size=self.size, seed=self.seed)
        unseen = seen.model_copy(update={"unseen_share": 1.0})
        drawings = [Drawing(unseen, first, each), Drawing(seen, first + each, each)]
        return self._draw(f"covid-{part}", drawings).images

    def identity(self) -> str:
        """Return a hash of everything that decides the sets, without drawing them."""
        return hash_of([self.n, self.seed, self.size, self.seen, GENERATOR_VERSION])

    def _draw(self, name: str, drawings: Sequence[Drawing]) -> Phantoms:
        """Draw a set, or take it from memory or from the cache of drawn phantoms."""
        if name not in self._drawn:
            total = sum(drawing.count for drawing in drawings)
            self.listener.start(f"phantoms, set {name}", total, "images")
            parts = [self._pixels(drawing) for drawing in drawings]
            plans = [plan_phantom(d.config, index) for d in drawings for index in d.indices]
            self._drawn[name] = Phantoms(
                ImageSet(
                    name=f"phantoms, set {name}",
                    samples=tuple(
                        Sample(id=p.id, patient_id=p.id, split="test", findings=p.findings)
                        for p in plans
                    ),
                    pixels=np.concatenate(parts),
                ),
                tuple(PhantomReport(p.id, p.report.findings, p.report.impression) for p in plans),
            )
        return self._drawn[name]

    def _pixels(self, drawing: Drawing) -> UInt8[np.ndarray, "N H W"]:
        drawn: list[int] = []

        def progress(images: int) -> None:
            drawn.append(images)
            self.listener.advance(images)

        pixels = phantom_images(
            drawing.config,
            drawing.indices,
            # Starting processes costs more than drawing a few hundred images.
            workers=self.workers if drawing.count >= _WORTH_PROCESSES else 1,
            progress=progress,
        )
        # What the cache held was not drawn.
        self.listener.advance(drawing.count - sum(drawn))
        return pixels


def half(n: int) -> int:
    """Return half of n, at least one."""
    return max(1, n // 2)


def subset(images: ImageSet, rows: Sequence[int]) -> ImageSet:
    """Return some rows of an image set, in the given order."""
    return ImageSet(
        name=images.name,
        samples=tuple(images.samples[row] for row in rows),
        pixels=np.asarray(images.pixels)[np.asarray(rows, dtype=np.int64)],
    )


@dataclass(frozen=True)
class SplitRows:
    """Which rows are judged, which give thresholds, and both in words."""

    test: list[int]
    valid: list[int]
    words: str


def split_rows(images: ImageSet, judge: Judge) -> SplitRows:
    """Choose the rows that are judged and those that held-out thresholds come from.

    Args:
        images: The folder.
        judge: ``test`` takes the folder's test split, or its validation split if it has none;
            ``all`` takes everything but the validation split, for models that saw none of it.
    """
    rows = {split: images.rows(split) for split in ("train", "valid", "test")}
    if judge == "all":
        judged, thresholds = ("train", "test"), "valid"
        words = "all images but those of split 'valid' are judged"
    else:
        kept = [split for split in ("test", "valid", "train") if rows[split]]
        judged, thresholds = (kept[0],), "valid" if kept[0] == "test" and rows["valid"] else "train"
        words = f"split {kept[0]!r} is judged"
    if thresholds in judged or not rows[thresholds]:
        return SplitRows(_joined(rows, judged), [], f"{words}; no split is left for thresholds")
    words += f"; held-out thresholds come from split {thresholds!r} (other patients)"
    return SplitRows(_joined(rows, judged), rows[thresholds], words)


def _joined(rows: Mapping[str, list[int]], splits: Sequence[str]) -> list[int]:
    return sorted(row for split in splits for row in rows[split])


def hash_images(images: ImageSet) -> str:
    """Return a hash of ids and pixels."""
    digest = hashlib.sha256(repr([sample.id for sample in images.samples]).encode())
    digest.update(np.ascontiguousarray(images.pixels).tobytes())
    return digest.hexdigest()


def hash_truth(images: ImageSet) -> str:
    """Return a hash of pixels, patients, splits and findings."""
    known = [
        [
            s.patient_id,
            s.split,
            None if s.findings is None else [f.model_dump() for f in s.findings],
        ]
        for s in images.samples
    ]
    return hash_of([hash_images(images), known])


def describe(
    test: ImageSet,
    valid: ImageSet | None,
    *,
    phantom: bool,
    split: str,
    skipped: Iterable[object] = (),
) -> DataInfo:
    """Return what a record says of its data.

    Args:
        test: The images that are judged.
        valid: Where held-out thresholds come from.
        phantom: Whether they are phantoms.
        split: The split in words.
        skipped: Files that could not be read.
    """
    return DataInfo(
        name=test.name,
        phantom=phantom,
        sha256=hash_truth(test),
        n=len(test.samples),
        patients=len({sample.patient_id for sample in test.samples}),
        split=split,
        threshold_n=0 if valid is None else len(valid.samples),
        skipped=tuple(Skipped.model_validate(s, from_attributes=True) for s in skipped),
    )
