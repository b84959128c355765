"""What figures draw, kept with a result so that a report needs its files alone."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """Base settings: immutable, no unknown keys, no NaN in the JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Points = tuple[tuple[float, float], ...]


class Bin(Frozen):
    """One bin of a reliability diagram.

    Attributes:
        said: Mean probability said.
        seen: Share of positives seen.
        n: Images in the bin.
    """

    said: float
    seen: float
    n: int


class CurvePoint(Frozen):
    """One point of a curve with its interval."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


class Curve(Frozen):
    """A line of a figure: a probe at several shares of labels, for example."""

    name: str
    points: tuple[CurvePoint, ...]


class Spot(Frozen):
    """One point of a map of embeddings.

    Attributes:
        x: First coordinate.
        y: Second coordinate.
        kind: Image or text.
        label: Class, which gives the colour.
        sub: Subclass (severity, side), where there is one.
    """

    x: float
    y: float
    kind: Literal["image", "text"]
    label: str
    sub: str | None = None


class GalleryImage(Frozen):
    """A picture: a small PNG or JPEG as base64 with its caption; `right` frames it where asked."""

    png: str
    caption: str
    right: bool | None = None


class GalleryRow(Frozen):
    """One line of pictures.

    Attributes:
        query: What the line shows: a text that was asked, an image's truth.
        rank: Rank of the first right picture, in retrieval.
        images: The pictures.
    """

    query: str
    rank: int | None = None
    images: tuple[GalleryImage, ...]


class Gallery(Frozen):
    """Lines of pictures under one title; empty for data whose images may not be shown.

    Attributes:
        title: What is shown: ``Retrieval``, ``Segmentation``, ``Heatmaps``.
        caption: How to read it.
        rows: The lines.
    """

    title: str
    caption: str
    rows: tuple[GalleryRow, ...]


class Series(Frozen):
    """What the figures of a result draw.

    Attributes:
        roc: Row id -> (false positive rate, true positive rate) points.
        pr: Row id -> (recall, precision) points.
        reliability: Row id, or ``all`` -> bins.
        confusion: Images by true class (rows) and predicted class (columns).
        confusion_names: Class names in the order of the matrix.
        curves: Metric -> lines over the share of labels.
        embedding: Map of image and text embeddings.
        galleries: Pictures.
    """

    roc: Mapping[str, Points] = Field(default_factory=dict)
    pr: Mapping[str, Points] = Field(default_factory=dict)
    reliability: Mapping[str, tuple[Bin, ...]] = Field(default_factory=dict)
    confusion: tuple[tuple[int, ...], ...] = ()
    confusion_names: tuple[str, ...] = ()
    curves: Mapping[str, tuple[Curve, ...]] = Field(default_factory=dict)
    embedding: tuple[Spot, ...] = ()
    galleries: tuple[Gallery, ...] = ()
