"""Phantoms of one kind: planned at once, drawn when their pixels, masks or boxes are read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from medfilip_model.data import ImageSet, PixelStore
from medfilip_model.data.samples import Split
from medfilip_model.phantom import PhantomPlan, PhantomReport

from medfilip_bench.datasets.drawing import Drawn
from medfilip_bench.datasets.labelled import Box, Subject
from medfilip_bench.datasets.stores import Joined, Made, Part


@dataclass(frozen=True)
class PhantomSet:
    """Phantoms of one kind; their pixels, masks and boxes are drawn when they are asked for.

    Attributes:
        images: N phantoms, of the test split first.
        plans: What each shows, row by row.
        pixel_keys: Split -> hash of what decides its pixels.
        parts: Split -> its drawn phantoms, drawn by the call.
    """

    images: ImageSet
    plans: tuple[PhantomPlan, ...]
    pixel_keys: Mapping[Split, str]
    parts: Mapping[Split, Callable[[], Drawn]]

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Sex and age as drawn; every phantom is a frontal film of no stated projection."""
        return tuple(Subject(plan.patient.sex, float(plan.patient.age)) for plan in self.plans)

    @property
    def reports(self) -> tuple[PhantomReport, ...]:
        """What the phantom's reporter wrote, row by row."""
        return tuple(plan.report for plan in self.plans)

    def draw(self, splits: Sequence[Split]) -> None:
        """Draw the phantoms of some splits now, before anyone reads them."""
        for split in splits:
            if split in self.parts:
                self.parts[split]()

    def masks(self, layer: str) -> PixelStore:
        """Return the masks of one layer, row by row.

        Args:
            layer: One of `medfilip_bench.datasets.drawing.LAYERS`.
        """
        size = self.images.pixels.shape[1]

        def part(split: Split) -> Part:
            count = len(self.images.rows(split))
            load = self.parts[split]
            return Part.of(Made(count, size, lambda row: load().mask(layer, row)))

        return Joined([part(split) for split in self.parts], size)

    def boxes(self, stands_for: Mapping[str, Sequence[str]]) -> Mapping[str, tuple[Box, ...]]:
        """Return the boxes of each phantom by id.

        Args:
            stands_for: Drawn category -> categories that its box is given.
        """
        return PhantomBoxes(self, stands_for)


class PhantomBoxes(Mapping[str, tuple[Box, ...]]):
    """Boxes by image id; a split is drawn when the first of its images is looked up."""

    def __init__(self, phantoms: PhantomSet, stands_for: Mapping[str, Sequence[str]]) -> None:
        """Name the phantoms, and what a drawn category stands for."""
        self._phantoms = phantoms
        self._stands_for = stands_for
        self._place: dict[str, tuple[Split, int]] = {
            phantoms.images.samples[row].id: (split, number)
            for split in phantoms.parts
            for number, row in enumerate(phantoms.images.rows(split))
        }

    def __len__(self) -> int:
        return len(self._place)

    def __iter__(self) -> Iterator[str]:
        return iter(self._place)

    def __getitem__(self, name: str) -> tuple[Box, ...]:
        split, number = self._place[name]
        return tuple(
            Box(category, box.x, box.y, box.width, box.height)
            for box in self._phantoms.parts[split]().boxes[number]
            for category in self._stands_for.get(box.category, ())
        )
