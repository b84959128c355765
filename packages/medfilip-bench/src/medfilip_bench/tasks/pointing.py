"""Cases of grounding, how their maps are judged, and maps that know nothing of the image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from medfilip_model.grounding import boxes_mask

from medfilip_bench.datasets.labelled import Box, LabelClass, LabelledSet
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.learning.pictures import evenly
from medfilip_bench.metrics.grounding import IOUS, grounding
from medfilip_bench.metrics.measure import Measure, macro
from medfilip_bench.results import Estimate, Row
from medfilip_bench.scoring import Resampling
from medfilip_bench.scoring.drawn import Drawn
from medfilip_bench.stats import replicate, weighted_mean

METRICS = ("pointing", "box_iou", *(f"hit@{t:g}" for t in IOUS))
# Share of the way from a map's lowest value to its highest; fixed, so that nothing chooses it.
LEVEL = 0.5
PixelBox = tuple[float, float, float, float]
Values = Float[np.ndarray, "N K M"]
Map = Float[np.ndarray, "S S"]


@dataclass(frozen=True)
class Cases:
    """The images whose maps are drawn, and where their findings are.

    Attributes:
        rows: N rows of the set.
        classes: K classes with a box in one of them at least.
        boxes: Boxes in pixels by place of the image and of the class.
        size: Side of the images in pixels.
    """

    rows: list[int]
    classes: tuple[LabelClass, ...]
    boxes: Mapping[tuple[int, int], list[PixelBox]]
    size: int


def find_cases(data: LabelledSet, rows: Sequence[int], limit: int) -> Cases:
    """Choose images of some rows that have a box of a class of the set, evenly over them.

    Args:
        data: The set.
        rows: Rows of the judged split.
        limit: At most so many images.

    Raises:
        NotApplicableError: If none has.
    """
    known = {c.category for c in data.classes}
    samples = data.images.samples
    annotated = [
        row
        for row in rows
        if any(box.category in known for box in data.boxes.get(samples[row].id, ()))
    ]
    if not annotated:
        raise NotApplicableError(f"{data.card.id}: no judged image has a box of one of its classes")
    chosen, size = evenly(annotated, limit), data.images.pixels.shape[1]
    boxes = [data.boxes[samples[row].id] for row in chosen]
    there = {box.category for part in boxes for box in part}
    classes = tuple(c for c in data.classes if c.category in there)
    found: dict[tuple[int, int], list[PixelBox]] = {}
    for n, part in enumerate(boxes):
        for k, name in enumerate(classes):
            own = [_pixels(box, size) for box in part if box.category == name.category]
            if own:
                found[n, k] = own
    return Cases(chosen, classes, found, size)


def judge(maps: Float[np.ndarray, "K S S"], cases: Cases, place: int) -> Float[np.ndarray, "K M"]:
    """Judge the maps of one image; NaN for classes without a box in it.

    Args:
        maps: A map a class.
        cases: Where the findings are.
        place: Which image.
    """
    found = np.full((len(maps), len(METRICS)), np.nan)
    for k, heatmap in enumerate(maps):
        boxes = cases.boxes.get((place, k))
        if boxes:
            measured = grounding(heatmap, boxes, level=LEVEL)
            found[k] = [_number(measured[metric]) for metric in METRICS]
    return found


def table(
    values: Values, cases: Cases, groups: Int[np.ndarray, " N"], resampling: Resampling
) -> tuple[tuple[Row, ...], dict[str, Estimate]]:
    """Average over the images of each class, and over the classes, with intervals by patient.

    Args:
        values: What `judge` gave of each image.
        cases: Classes and boxes.
        groups: Patient number of each image.
        resampling: Bootstrap settings.
    """
    n, k, m = values.shape
    drawn = replicate(
        lambda weights: {"means": weighted_mean(values.reshape(n, k * m), weights)},
        groups,
        n_replicates=resampling.replicates,
        seed=resampling.seed,
    )["means"].reshape(-1, k, m)
    patients = [len(np.unique(groups[~np.isnan(values[:, c, 0])])) for c in range(k)]
    rows: list[Row] = []
    overall: dict[str, Estimate] = {}
    for j, metric in enumerate(METRICS):
        found = Drawn(drawn[:, :, j], tuple(float(count) for count in patients))
        points = [Measure(float(np.nanmean(values[:, c, j]))) for c in range(k)]
        overall[metric] = Estimate.of(macro(points), found.mean(range(k)).interval())
        for c, name in enumerate(cases.classes):
            if not j:
                count = int((~np.isnan(values[:, c, 0])).sum())
                rows.append(
                    Row(id=name.id, name=name.name, kind="class", positives=count, n=n, metrics={})
                )
            measured = {**rows[c].metrics, metric: Estimate.of(points[c], found.interval(c))}
            rows[c] = rows[c].model_copy(update={"metrics": measured})
    return tuple(rows), overall


def mean_maps(data: LabelledSet, rows: Sequence[int], cases: Cases) -> list[Map]:
    """Return, for each class, the share of other images whose box covers each place.

    Args:
        data: The set.
        rows: Rows of another split.
        cases: The classes.

    Returns:
        One map a class; none at all where a class has no box in these rows.
    """
    samples, size = data.images.samples, cases.size
    maps: list[Map] = []
    for name in cases.classes:
        masks = [
            boxes_mask([_pixels(box, size) for box in own], (size, size))
            for row in rows
            for own in [
                [b for b in data.boxes.get(samples[row].id, ()) if b.category == name.category]
            ]
            if own
        ]
        if not masks:
            return []
        maps.append(np.mean(masks, axis=0))
    return maps


def trivial(size: int, classes: int) -> dict[str, list[Map]]:
    """Maps that know nothing of the image: the middle of it, and nowhere in particular."""
    axis = np.arange(size) + 0.5 - size / 2
    centre = -np.hypot(axis[:, None], axis)
    return {"centre": [centre] * classes, "chance": [np.zeros((size, size))] * classes}


def same(maps: Sequence[Map], cases: Cases) -> Values:
    """Judge the same maps on every image."""
    stacked = np.stack(maps)
    return np.stack([judge(stacked, cases, place) for place in range(len(cases.rows))])


def _pixels(box: Box, size: int) -> PixelBox:
    return box.x * size, box.y * size, box.width * size, box.height * size


def _number(measure: Measure) -> float:
    return np.nan if measure.value is None else measure.value
