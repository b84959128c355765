"""The sets that the paper draws from MIMIC-CXR: which classes, which images. Pure functions."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from iki_knowledge import Finding, KnowledgeBase
from pydantic import BaseModel, ConfigDict, Field

from medfilip_model.builders.items import Item
from medfilip_model.data.samples import Split
from medfilip_model.errors import DataError

Subset = Literal["train", "16", "multi", "fg", "full"]

GRADES = {1: "mild", 2: "mild", 3: "moderate", 4: "severe"}
"""The three severities of MIMIC-FG, by the dictionary's rank: small is mild, large is severe."""

_Count = Annotated[int, Field(ge=1)]
_Share = Annotated[float, Field(ge=0, lt=1)]


class MimicChoice(BaseModel):
    """What is drawn from MIMIC-CXR; the defaults are the paper's.

    A ratio is the share of training images, among those with findings, that show a category by
    findings as read.

    Attributes:
        views: ViewPosition of the images to keep; empty keeps all.
        train_ratio: A class of MIMIC-train is more frequent than this.
        train_classes: At most so many classes, the commonest.
        train_samples: Images drawn from the official training split.
        test_ratio: A class of MIMIC-16 and MIMIC-multi is more frequent than this.
        test_classes: At most so many classes, the commonest.
        test_samples: Images drawn from the official test split, and from the validation split.
        fg_classes: Classes of MIMIC-FG, the commonest that have a severity.
        normals: Whether MIMIC-train and -multi also take images without any finding. The paper's
            samples all have a disease.
        among: Class list of the dictionary (``mimic50``) that classes must be in; None takes all
            categories but devices and vague words.
        seed: Of the draw.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    views: tuple[str, ...] = ("PA", "AP")
    train_ratio: _Share = 1e-4
    train_classes: _Count = 50
    train_samples: _Count = 50_000
    test_ratio: _Share = 1e-2
    test_classes: _Count = 16
    test_samples: _Count = 1024
    fg_classes: _Count = 5
    normals: bool = False
    among: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class Drawn:
    """A subset.

    Attributes:
        items: Its images, in the order given.
        classes: Its classes, the commonest first; None: all categories.
        labels: How many classes an image has.
    """

    items: tuple[Item, ...]
    classes: tuple[str, ...] | None
    labels: Literal["multi", "single", "severity"]


def draw_subset(
    items: Sequence[Item], subset: Subset, choice: MimicChoice, kb: KnowledgeBase
) -> Drawn:
    """Choose the classes and the images of a subset.

    ``train``: images of the training split that show a class, and all such of the validation split,
    to score against. ``16``: images with exactly one class and no doubtful one. ``multi``: images
    with a class or more. ``fg``: images with exactly one of the commonest classes, whose severity
    is stated. The last three come from the test split and, so that thresholds need not be chosen
    on it, from the validation split. ``full``: all images whose findings are known.

    A finding counts for the nearest class: its own category, else the narrowest of its ancestors
    that is a class (a rib fracture for fracture). The findings themselves are kept as read.

    Args:
        items: All images, with findings.
        subset: Which.
        choice: Thresholds and counts.
        kb: Dictionary.

    Returns:
        The subset.

    Raises:
        DataError: No category is frequent enough, or no image qualifies.
    """
    known = [item for item in items if item.sample.findings is not None]
    if subset == "full":
        return Drawn(tuple(known), None, "multi")
    classes = commonest(known, subset, choice, kb)
    fits = _FITS[subset]
    chosen = [item for item in known if fits(_Shown.of(item, classes, kb), choice)]
    limits: dict[Split, int | None] = (
        {"train": choice.train_samples, "valid": None}
        if subset == "train"
        else {"valid": choice.test_samples, "test": choice.test_samples}
    )
    ids = {
        item.sample.id
        for split, limit in limits.items()
        for item in _draw(
            [item for item in chosen if item.sample.split == split], limit, choice.seed
        )
    }
    drawn = tuple(item for item in chosen if item.sample.id in ids)
    if not drawn:
        raise DataError(
            f"no image of MIMIC-{subset}: not one of {len(known)} images with findings, in the "
            f"splits {', '.join(limits)}, qualifies for {', '.join(classes)}"
        )
    return Drawn(drawn, classes, _LABELS[subset])


def commonest(
    items: Sequence[Item], subset: Subset, choice: MimicChoice, kb: KnowledgeBase
) -> tuple[str, ...]:
    """The classes of a subset, the commonest first.

    Raises:
        DataError: No category is frequent enough.
    """
    ratio = choice.train_ratio if subset == "train" else choice.test_ratio
    most = {"train": choice.train_classes, "fg": choice.fg_classes}.get(subset, choice.test_classes)
    training = [item for item in items if item.sample.split == "train"] or items
    counted = Counter(
        name for item in training for name in {f.category for f in item.sample.present}
    )
    allowed = _allowed(choice, kb)
    frequent = [
        name
        for name in sorted(counted, key=lambda name: (-counted[name], name))
        if name in allowed
        and counted[name] > ratio * len(training)
        and (subset != "fg" or kb[name].severities)
    ]
    if not frequent:
        raise DataError(
            f"no category is in more than {ratio:g} of {len(training)} images with findings: "
            "there is no class to draw"
        )
    return tuple(frequent[:most])


def nearest_class(category: str, classes: Sequence[str], kb: KnowledgeBase) -> str | None:
    """The class that a category counts for: itself, else its narrowest ancestor among them."""
    return next((name for name in (category, *kb.ancestors(category)) if name in classes), None)


@dataclass(frozen=True)
class _Shown:
    """What an image shows of some classes."""

    present: frozenset[str]
    doubtful: frozenset[str]
    graded: bool
    normal: bool

    @classmethod
    def of(cls, item: Item, classes: Sequence[str], kb: KnowledgeBase) -> "_Shown":
        own: dict[str, set[str]] = {"present": set(), "uncertain": set(), "absent": set()}
        grades: set[str] = set()
        for finding in item.sample.findings or ():
            name = nearest_class(finding.category, classes, kb)
            if name is not None:
                own[finding.presence].add(name)
                grades |= _grade(finding, kb)
        return cls(
            present=frozenset(own["present"]),
            doubtful=frozenset(own["uncertain"] - own["present"]),
            graded=len(grades) == 1,
            normal=item.sample.normal,
        )

    @property
    def single(self) -> bool:
        return len(self.present) == 1 and not self.doubtful


def _grade(finding: Finding, kb: KnowledgeBase) -> set[str]:
    if finding.presence != "present" or finding.severity is None:
        return set()
    return {GRADES[kb.vocabulary.severities[finding.severity].rank]}


_FITS: dict[str, Callable[[_Shown, MimicChoice], bool]] = {
    "train": lambda shown, choice: bool(shown.present) or (choice.normals and shown.normal),
    "multi": lambda shown, choice: bool(shown.present) or (choice.normals and shown.normal),
    "16": lambda shown, _: shown.single,
    "fg": lambda shown, _: shown.single and shown.graded,
}
_LABELS: dict[str, Literal["multi", "single", "severity"]] = {
    "train": "multi",
    "multi": "multi",
    "16": "single",
    "fg": "severity",
}


def _allowed(choice: MimicChoice, kb: KnowledgeBase) -> set[str]:
    if choice.among is not None:
        return set(kb.classes(choice.among).values())
    return {name for name in kb if kb[name].group != "devices" and not kb[name].vague}


def _draw(items: Sequence[Item], limit: int | None, seed: int) -> Sequence[Item]:
    """Items whose hashes are the smallest: the same ones in whatever order the tables come."""
    if limit is None or len(items) <= limit:
        return items
    return sorted(
        items, key=lambda item: hashlib.sha256(f"{seed} {item.sample.id}".encode()).hexdigest()
    )[:limit]
