"""The phantoms that every twin is made of: a few sets, planned at once and drawn when needed."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from iki_knowledge import KnowledgeBase
from medfilip_model.data import ImageSet, Sample
from medfilip_model.data.samples import Split
from medfilip_model.phantom import (
    SEEN_CATEGORIES,
    PhantomConfig,
    PhantomPlan,
    PhantomReport,
    plan_phantom,
)
from medfilip_model.phantom.mistakes import Mistake, Mistaken, make_mistake
from medfilip_model.progress import Listener, Silent

from medfilip_bench.datasets.drawing import VERSION, Drawn, Recipe, draw, key_of
from medfilip_bench.datasets.mimic import FIVE
from medfilip_bench.datasets.phantom_set import PhantomSet
from medfilip_bench.datasets.stores import Joined, Part
from medfilip_bench.files import hash_of

# Where each set's phantoms begin: far above the indices that training draws, and apart.
FIRST_INDEX = {
    "multi-test": 1_000_000,
    "multi-valid": 2_000_000,
    "single-test": 3_000_000,
    "covid-test": 4_000_000,
    "covid-valid": 5_000_000,
    "multi-train": 6_000_000,
    "single-valid": 7_000_000,
    "graded-test": 8_000_000,
    "graded-valid": 9_000_000,
}
# What is judged comes first: drawing follows the order of the rows.
_ORDER: tuple[Split, ...] = ("test", "valid", "train")


@dataclass
class PhantomPool:
    """The phantoms of a benchmark run.

    Attributes:
        n: Test images of the multi-label set; the other sets are parts of it.
        seed: Seed of all sets.
        size: Side of the images in pixels.
        workers: Processes that draw; they change nothing but the time.
        listener: Hears of progress.
        train: Training images of the multi-label set.
    """

    n: int
    seed: int = 0
    size: int = 96
    workers: int = 1
    listener: Listener = field(default_factory=Silent)
    train: int = 1000
    _planned: dict[str, PhantomSet] = field(default_factory=dict, init=False, repr=False)

    def multi(self) -> PhantomSet:
        """Return phantoms as training draws them: any number of seen classes."""
        config = PhantomConfig(size=self.size, seed=self.seed)
        counts: dict[Split, int] = {"test": self.n, "valid": half(self.n), "train": self.train}
        return self._plan(
            "multi",
            {
                split: [Recipe(config, FIRST_INDEX[f"multi-{split}"], counts[split])]
                for split in _ORDER
                if counts[split]
            },
        )

    def single(self) -> PhantomSet:
        """Return phantoms with exactly one seen class, or none; every class as often."""
        plain = PhantomConfig(
            size=self.size, seed=self.seed, max_findings=1, normal_share=0.0, incidental_share=0.0
        )
        kinds = [plain.model_copy(update={"classes": (name,)}) for name in SEEN_CATEGORIES]
        kinds.append(plain.model_copy(update={"normal_share": 1.0}))
        each = max(1, half(self.n) // len(kinds))
        return self._plan("single", self._shared("single", kinds, each))

    def graded(self) -> PhantomSet:
        """Return phantoms with exactly one of MIMIC-FG's five diseases, of any severity."""
        plain = PhantomConfig(
            size=self.size, seed=self.seed, max_findings=1, normal_share=0.0, incidental_share=0.0
        )
        kinds = [plain.model_copy(update={"classes": (name,)}) for name in FIVE]
        return self._plan("graded", self._shared("graded", kinds, max(1, half(self.n) // 5)))

    def covid(self) -> PhantomSet:
        """Return phantoms of which half show COVID-19 and half are as training draws them."""
        seen = PhantomConfig(size=self.size, seed=self.seed)
        kinds = [seen.model_copy(update={"unseen_share": 1.0}), seen]
        return self._plan("covid", self._shared("covid", kinds, max(1, self.n // 4)))

    def reported(self, split: Split = "test") -> tuple[tuple[Sample, PhantomReport], ...]:
        """Return the phantoms of one split of the multi-label set with their reports.

        Nothing is drawn.

        Args:
            split: Which.
        """
        phantoms = self.multi()
        rows = phantoms.images.rows(split)
        return tuple((phantoms.images.samples[row], phantoms.reports[row]) for row in rows)

    def mistaken(
        self, kind: Mistake, kb: KnowledgeBase, split: Split = "test"
    ) -> tuple[Mistaken | None, ...]:
        """Return the reports of one split of the multi-label set with one mistake each.

        Args:
            kind: Which mistake.
            kb: Dictionary.
            split: Which.

        Returns:
            In the order of `reported`; None where a phantom shows nothing to be told wrong so.
        """
        config = PhantomConfig(size=self.size, seed=self.seed)
        first = FIRST_INDEX[f"multi-{split}"]
        count = len(self.multi().images.rows(split))
        return tuple(make_mistake(config, first + n, kind, kb) for n in range(count))

    def planned(self) -> tuple[PhantomSet, ...]:
        """Return the sets that were asked for so far."""
        return tuple(self._planned.values())

    def identity(self) -> str:
        """Return a hash of everything that decides the sets, without drawing them."""
        return hash_of([self.n, self.seed, self.size, self.train, FIRST_INDEX, VERSION])

    def _shared(
        self, name: str, kinds: Sequence[PhantomConfig], each: int
    ) -> dict[Split, list[Recipe]]:
        """Return recipes of as many phantoms of every kind, in the validation split half of it."""
        counts: dict[Split, int] = {"test": each, "valid": half(each)}
        return {
            split: [
                Recipe(config, FIRST_INDEX[f"{name}-{split}"] + number * count, count)
                for number, config in enumerate(kinds)
            ]
            for split, count in counts.items()
        }

    def _plan(self, name: str, recipes: Mapping[Split, Sequence[Recipe]]) -> PhantomSet:
        if name in self._planned:
            return self._planned[name]
        plans = {
            split: [plan_phantom(r.config, index) for r in listed for index in r.indices]
            for split, listed in recipes.items()
        }
        parts: dict[Split, Callable[[], Drawn]] = {
            split: self._drawer(name, split, listed) for split, listed in recipes.items()
        }
        pixels = Joined(
            [Part(len(plans[s]), lambda load=load: load().images) for s, load in parts.items()],
            self.size,
        )
        samples = tuple(_sample(plan, split) for split in recipes for plan in plans[split])
        self._planned[name] = PhantomSet(
            images=ImageSet(f"phantoms, set {name}", samples, pixels),
            plans=tuple(plan for split in recipes for plan in plans[split]),
            pixel_keys={split: key_of(listed) for split, listed in recipes.items()},
            parts=parts,
        )
        return self._planned[name]

    def _drawer(self, name: str, split: Split, recipes: Sequence[Recipe]) -> Callable[[], Drawn]:
        """Return a call that draws some recipes once and remembers them."""
        held: list[Drawn] = []
        # A thread that reads images ahead and a caller who wants boxes may ask at the same time.
        lock = threading.Lock()

        def load() -> Drawn:
            with lock:
                if not held:
                    held.append(self._draw(f"{name}, {split}", recipes))
            return held[0]

        return load

    def _draw(self, name: str, recipes: Sequence[Recipe]) -> Drawn:
        total = sum(recipe.count for recipe in recipes)
        self.listener.start(f"phantoms, set {name}", total, "images")
        drawn: list[int] = []

        def progress(images: int) -> None:
            drawn.append(images)
            self.listener.advance(images)

        found = draw(recipes, workers=self.workers, progress=progress)
        # What the cache held was not drawn.
        self.listener.advance(total - sum(drawn))
        return found


def half(n: int) -> int:
    """Return half of n, at least one."""
    return max(1, n // 2)


def _sample(plan: PhantomPlan, split: Split) -> Sample:
    report = f"{plan.report.findings}\n\n{plan.report.impression}"
    return Sample(plan.id, plan.id, split, plan.findings, report=report)
