"""Where a model looks, against where the finding was drawn: held-out phantoms with their masks.

    uv run python packages/medfilip-model/benchmarks/grounding.py RUN [--count 400] [--by-class]

Every category that an image shows is one case; its mask is the union of its findings' masks, and
each finding's bounding box is a box. Measured: pointing game, IoU with the mask, IoU of boxes, and
the share of the map's energy inside the mask, each a mean over cases with a 95 % interval by
bootstrap over images. Thresholds are chosen for each method and measure on other phantoms (as many
again). Rows: the fusion head's attention where the model has one; cosines of each location's
embedding with the class, which need no head; and what needs no model: a constant map (chance), a
random map, the centre of the image, and the mean mask of the category on the other phantoms.
"""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from iki_knowledge import KnowledgeBase, load_knowledge
from medfilip_model import MedFILIP, load_model
from medfilip_model.encode import encode_texts
from medfilip_model.grounding import (
    Box,
    box_iou,
    energy_inside,
    mask_iou,
    pointing_game,
    upsample,
)
from medfilip_model.phantom import SEEN_CATEGORIES, Phantom, PhantomConfig, generate_many
from medfilip_model.zeroshot import class_prompts, encode_classes
from torch import Tensor

LEVELS = np.linspace(0.1, 0.9, 9)
RESAMPLES = 1000
BATCH = 32
# Images [n, 1, H, W] of a batch, and their numbers -> one map for each image and class.
Method = Callable[[Tensor, Sequence[int]], Tensor]


@dataclass(frozen=True)
class Case:
    """One category in one image."""

    image: int
    category: int
    mask: np.ndarray
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Scores:
    """Measures of C cases; of those with a threshold, one column a level."""

    pointing: np.ndarray
    energy: np.ndarray
    iou: np.ndarray
    box: np.ndarray


def bounding_box(mask: np.ndarray) -> Box:
    """The smallest box around a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y, x = int(rows[0]), int(columns[0])
    return (x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)


def cases_of(phantoms: Sequence[Phantom]) -> list[Case]:
    """The categories of each phantom, without old scars and devices."""
    found: list[Case] = []
    for number, phantom in enumerate(phantoms):
        by_category: dict[str, list[np.ndarray]] = {}
        for position, mask in phantom.masks.items():
            by_category.setdefault(phantom.findings[position].category, []).append(mask)
        for k, category in enumerate(SEEN_CATEGORIES):
            if masks := by_category.get(category):
                union = np.logical_or.reduce(masks)
                found.append(Case(number, k, union, tuple(map(bounding_box, masks))))
    return found


def model_methods(model: MedFILIP, kb: KnowledgeBase) -> dict[str, Method]:
    """What the model shows of itself."""
    size = model.config.size
    classes = encode_classes(model, class_prompts(kb, SEEN_CATEGORIES)).to(model.device)

    def similarity(images: Tensor, _: Sequence[int]) -> Tensor:
        return upsample(torch.einsum("ndhw,kd->nkhw", model.locate(images), classes), size)

    methods: dict[str, Method] = {}
    if model.fusion is not None:
        head = model.fusion
        asked = encode_texts(model, [kb.explain(category) for category in SEEN_CATEGORIES])
        queries = asked.to(model.device)

        def attention(images: Tensor, _: Sequence[int]) -> Tensor:
            maps = head(model.encode_map(images), queries, need_attention=True).attention
            assert maps is not None
            return upsample(maps, size)

        methods["fusion attention"] = attention
    methods["token similarity"] = similarity
    return methods


def baselines(size: int, tuning: Sequence[Case], seed: int) -> dict[str, Method]:
    """What knows nothing of the image."""
    k = len(SEEN_CATEGORIES)
    axis = torch.linspace(-1, 1, size)
    bump = torch.exp(-2 * (axis[:, None] ** 2 + axis[None] ** 2))
    means = torch.zeros(k, size, size)
    for category in range(k):
        masks = [case.mask for case in tuning if case.category == category]
        if masks:
            means[category] = torch.from_numpy(np.mean(masks, axis=0)).float()

    def noise(images: Tensor, numbers: Sequence[int]) -> Tensor:
        draws = [
            torch.rand(k, 8, 8, generator=torch.Generator().manual_seed(seed + n)) for n in numbers
        ]
        return upsample(torch.stack(draws), size)

    def same(maps: Tensor) -> Method:
        return lambda images, _: maps.expand(len(images), k, size, size)

    return {
        "mean mask of the class": same(means),
        "centre": same(bump),
        "random": noise,
        "constant (chance)": same(torch.ones(())),
    }


def measure(method: Method, images: Tensor, cases: Sequence[Case]) -> Scores:
    """Score every case."""
    rows: list[tuple[float, float, list[float], list[float]]] = []
    by_image: dict[int, list[Case]] = {}
    for case in cases:
        by_image.setdefault(case.image, []).append(case)
    for start in range(0, len(images), BATCH):
        numbers = range(start, min(start + BATCH, len(images)))
        with torch.inference_mode():
            maps = method(images[start : start + BATCH], numbers).float().cpu().numpy()
        for number in numbers:
            for case in by_image.get(number, ()):
                heat = maps[number - start, case.category]
                rows.append(
                    (
                        pointing_game(heat, case.mask).value or 0.0,
                        # Without any energy above 0 none of it is inside.
                        energy_inside(heat, case.mask).value or 0.0,
                        [mask_iou(heat, case.mask, level).value or 0.0 for level in LEVELS],
                        [box_iou(heat, case.boxes, level).value or 0.0 for level in LEVELS],
                    )
                )
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return Scores(*columns)


def interval(values: np.ndarray, image: np.ndarray, draws: np.ndarray) -> str:
    """Mean over cases, and its interval when images are drawn anew."""
    count, total = np.bincount(image), np.bincount(image, weights=values)
    means = (draws @ total) / (draws @ count)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def draw(size: int, seed: int, indices: range) -> tuple[Tensor, list[Case]]:
    """Images and cases of some phantoms."""
    phantoms = list(generate_many(PhantomConfig(size=size, seed=seed), indices, workers=2))
    images = torch.from_numpy(np.stack([phantom.image for phantom in phantoms]))[:, None]
    return images, cases_of(phantoms)


def run(path: Path, *, count: int, seed: int, by_class: bool) -> None:
    """Measure and print."""
    model, kb = load_model(path), load_knowledge()
    size = model.config.size
    tuning_images, tuning = draw(size, seed, range(count))
    images, cases = draw(size, seed, range(count, 2 * count))
    numbers = np.array([case.image for case in cases])
    # Images without a case are drawn as well, and weigh nothing.
    last = int(numbers.max()) + 1
    draws = np.random.default_rng(seed).multinomial(last, [1 / last] * last, RESAMPLES)
    area = np.mean([case.mask.mean() for case in cases])
    print(
        f"{len(cases)} cases in {count} phantoms of {size} px (seed {seed}); masks cover "
        f"{100 * area:.1f} % of the image on average\n"
    )
    print("| map | pointing game | IoU, mask | IoU, box | energy inside |")
    print("| --- | --- | --- | --- | --- |")
    hits: dict[str, np.ndarray] = {}
    for name, method in (model_methods(model, kb) | baselines(size, tuning, seed)).items():
        before, after = measure(method, tuning_images, tuning), measure(method, images, cases)
        iou = after.iou[:, before.iou.mean(axis=0).argmax()]
        box = after.box[:, before.box.mean(axis=0).argmax()]
        cells = [interval(x, numbers, draws) for x in (after.pointing, iou, box, after.energy)]
        print(f"| {name} | {' | '.join(cells)} |")
        hits[name] = after.pointing
    if by_class:
        categories = np.array([case.category for case in cases])
        print(f"\n| pointing game | cases | {' | '.join(hits)} |")
        print("| --- |" + " --- |" * (len(hits) + 1))
        for k, category in enumerate(SEEN_CATEGORIES):
            own = categories == k
            means = " | ".join(f"{x[own].mean():.2f}" if own.any() else "-" for x in hits.values())
            print(f"| {category} | {own.sum()} | {means} |")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="run or checkpoint folder")
    parser.add_argument("--count", type=int, default=400, help="phantoms, and as many to tune on")
    parser.add_argument("--seed", type=int, default=20261122, help="of the phantoms")
    parser.add_argument("--by-class", action="store_true", help="pointing game of each class too")
    given = parser.parse_args()
    record = given.run / "config.json"
    if record.exists():
        trained = json.loads(record.read_text(encoding="utf-8"))["config"]["data"]["seed"]
        if trained == given.seed:
            parser.error(f"the run was trained on phantoms of seed {trained}: choose another")
    run(given.run, count=given.count, seed=given.seed, by_class=given.by_class)


if __name__ == "__main__":
    main()
