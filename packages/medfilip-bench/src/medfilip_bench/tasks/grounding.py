"""Grounding: does the model look where radiologists, or the phantom, put the finding?"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from medfilip_model.grounding import boxes_mask

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.learning.pictures import evenly, picture
from medfilip_bench.results import Row
from medfilip_bench.series import Gallery, GalleryImage, GalleryRow, Series
from medfilip_bench.stats import patient_groups
from medfilip_bench.tasks.heatmaps import heatmaps
from medfilip_bench.tasks.judged import describe, judged
from medfilip_bench.tasks.pointing import (
    LEVEL,
    METRICS,
    Cases,
    find_cases,
    judge,
    mean_maps,
    same,
    table,
    trivial,
)
from medfilip_bench.tasks.task import Bench, Outcome, Task

_BATCH, _SHOWN = 16, 6


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Point at each finding that has a box."""
    parts = judged(data)
    cases = find_cases(data, data.rows(parts.test), bench.profile.grounding_cases)
    other = data.rows(parts.valid) if parts.valid else []
    usual = mean_maps(data, other, cases)
    groups = patient_groups([data.images.samples[row].patient_id for row in cases.rows])
    values = np.full((len(cases.rows), len(cases.classes), len(METRICS)), np.nan)
    shown: list[GalleryImage] = []
    wanted = set(evenly(range(len(cases.rows)), _SHOWN))
    bench.listener.start(f"heatmaps, {data.card.id}", len(cases.rows), "images")
    for start in range(0, len(cases.rows), _BATCH):
        part = np.asarray(cases.rows[start : start + _BATCH], dtype=np.int64)
        pixels = np.array(data.images.pixels[part])
        maps = heatmaps(bench.encoder, bench.kb, pixels, cases.classes, kinds=data.phantom)
        for n in range(len(part)):
            values[start + n] = judge(maps[n], cases, start + n)
            if start + n in wanted:
                shown.append(_picture(pixels[n], maps[n], values[start + n], cases, start + n))
        bench.listener.advance(len(part))
    rows, overall = table(values, cases, groups, bench.resampling)
    maps_of = trivial(cases.size, len(cases.classes)) | ({"mean box": usual} if usual else {})
    floor = tuple(
        Row(
            id=name.replace(" ", "-"),
            name=name,
            kind="baseline",
            n=len(cases.rows),
            metrics=table(same(maps, cases), cases, groups, bench.resampling)[1],
        )
        for name, maps in maps_of.items()
    )
    allowed = data.phantom or bench.pictures
    return Outcome(
        data=describe(data, parts, rows=cases.rows),
        metrics=overall,
        rows=(*rows, *floor),
        series=Series(galleries=_galleries(shown) if allowed else ()),
        notes=_notes(bench, data, cases, with_mean=bool(usual)),
    )


def _picture(
    pixels: UInt8[np.ndarray, "S S"],
    maps: Float[np.ndarray, "K S S"],
    judged_values: Float[np.ndarray, "K M"],
    cases: Cases,
    place: int,
) -> GalleryImage:
    """The first class of an image that has a box: its boxes and the upper half of its map."""
    k = next(k for n, k in cases.boxes if n == place)
    low, high = float(maps[k].min()), float(maps[k].max())
    inside = boxes_mask(cases.boxes[place, k], (cases.size, cases.size))
    return picture(
        pixels,
        inside,
        maps[k],
        cases.classes[k].name,
        floor=low + LEVEL * (high - low),
        right=bool(judged_values[k, 0] > 0),
    )


def _galleries(shown: Sequence[GalleryImage]) -> tuple[Gallery, ...]:
    return (
        Gallery(
            title="Heatmaps",
            caption="Outline: the finding's boxes. Colour: the upper half of the map's range. "
            "The frame says whether the highest point lies in a box.",
            rows=(GalleryRow(query="one class of each image", images=tuple(shown)),),
        ),
    )


def _notes(bench: Bench, data: LabelledSet, cases: Cases, *, with_mean: bool) -> tuple[str, ...]:
    loaded = bench.encoder.loaded
    how = (
        "Maps are by occlusion, against the text of an image without findings: each image is read "
        "some eighty times with parts hidden. These passes come on top of the one that embeds it."
        if loaded.heatmap_kind == "occlusion"
        else f"Maps are the model's own: {loaded.heatmap_kind}."
    )
    return (
        f"{len(cases.rows)} images with a box are looked at ({bench.profile.name} profile: at most "
        f"{bench.profile.grounding_cases}), spread evenly over the judged split; the number of "
        "positives is that of a class's images.",
        how,
        "Pointing game: the highest point lies in a box. Box IoU: the box around the part of the "
        "map's upper half that holds its highest point, against the finding's box that fits it "
        f"best; hit@T is an IoU of T or more. The level of {LEVEL:g} is fixed, not chosen.",
        "centre always points at the middle; chance looks everywhere alike, so that its pointing "
        "game is the share of the image that the boxes cover"
        + ("; mean box is the class's mean box of the validation split." if with_mean else "."),
        *(() if data.phantom else data.card.notes),
        *data.notes,
    )


def task(card: Card) -> Task:
    """Make the task of one data set."""
    return Task(
        family="grounding",
        dataset=card.id,
        title=f"Grounding, {card.name}",
        about="Does the model's heatmap of a finding point into the box around it?",
        needs="texts",
        run=run,
        splits=("valid", "test"),
        spends=True,
    )
