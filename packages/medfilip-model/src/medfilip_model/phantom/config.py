"""What to draw: the classes, their shares, size and seed."""

import difflib
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SEEN_CATEGORIES = (
    "lung_opacity",
    "consolidation",
    "pneumonia",
    "atelectasis",
    "pleural_effusion",
    "pneumothorax",
    "cardiomegaly",
    "pulmonary_edema",
    "nodule",
    "mass",
    "emphysema",
    "pulmonary_fibrosis",
    "vascular_congestion",
    "pleural_thickening",
    "rib_fracture",
    "hernia",
)
"""Classes that training images show.

A fracture is drawn in ribs only, so it goes by the dictionary's narrower category: gpt-ie too reads
"rib fracture" as that.
"""

UNSEEN_CATEGORIES = ("covid19",)
"""Classes kept for zero-shot tests: drawn only when `PhantomConfig` asks for them."""

INCIDENTAL_CATEGORIES = (
    "granuloma",
    "granulomatous_disease",
    "scarring",
    "healed_fracture",
    "pacemaker",
    "central_line",
    "endotracheal_tube",
    "enteric_tube",
    "sternotomy",
    "surgical_clips",
)
"""Distractors that a report would name, never asked for by class: old scars and devices."""

Share = Annotated[float, Field(ge=0, le=1)]


def _check_names(names: tuple[str, ...]) -> None:
    allowed = SEEN_CATEGORIES + UNSEEN_CATEGORIES
    for name in names:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=3, cutoff=0.4)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ValueError(f"no phantom category {name!r}{hint} (allowed: {', '.join(allowed)})")


class PhantomConfig(BaseModel):
    """Recipe of a phantom set; with an index it fixes an image to the last bit.

    Attributes:
        size: Height and width in pixels.
        seed: Seed of the set.
        classes: Categories that may be drawn; `UNSEEN_CATEGORIES` only if named here.
        weights: Relative frequency of a class among findings, 1 where not given.
        normal_share: Share of images without any of the classes.
        max_findings: Most classes in one image.
        unseen_share: Share of images that show an unseen class, whatever ``classes`` says.
        incidental_share: Share of images with an old scar or a device, now and then two.
        hedge_share: Share of findings that the report words as uncertain; the truth stays present.
        trend_share: Share of findings that the report compares with an earlier film.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int, Field(ge=32, le=2048)] = 128
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    classes: tuple[str, ...] = SEEN_CATEGORIES
    weights: Mapping[str, Annotated[float, Field(ge=0)]] = {}
    normal_share: Share = 0.3
    max_findings: Annotated[int, Field(ge=1, le=4)] = 4
    unseen_share: Share = 0.0
    incidental_share: Share = 0.3
    hedge_share: Share = 0.1
    trend_share: Share = 0.05

    @field_validator("classes")
    @classmethod
    def _known_classes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        _check_names(value)
        if not value:
            raise ValueError("classes is empty; name at least one category")
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"classes names {', '.join(map(repr, twice))} twice")
        return value

    @field_validator("weights")
    @classmethod
    def _known_weights(cls, value: Mapping[str, float]) -> Mapping[str, float]:
        _check_names(tuple(value))
        return value

    @model_validator(mode="after")
    def _something_to_draw(self) -> "PhantomConfig":
        if not any(self.weights.get(name, 1.0) > 0 for name in self.classes):
            raise ValueError(
                f"weights leave no class to draw; raise one of {self.classes!r} above 0"
            )
        return self
