"""Sets that ``medfilip prepare`` wrote: images are decoded when they are asked for."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from iki_knowledge import KnowledgeBase
from jaxtyping import Float
from medfilip_model.data import ImageSet, Sample, load_prepared
from medfilip_model.data.decode import DECODER_VERSION
from medfilip_model.data.format import MANIFEST
from medfilip_model.data.pixels import cache_root
from medfilip_model.data.samples import SPLITS, Skipped, Split
from medfilip_model.data.shards import verify_prepared
from medfilip_model.data.store import ShardStore

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.foreign import as_data_errors
from medfilip_bench.datasets.inventory import home
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet, Subject
from medfilip_bench.datasets.reader import Inventory, ReadOptions
from medfilip_bench.datasets.splits import limited
from medfilip_bench.datasets.stores import taken
from medfilip_bench.errors import DataError
from medfilip_bench.files import hash_of, write_atomic

MARKS = (MANIFEST,)
Labels = Float[np.ndarray, "N C"]
# Samples, categories of the set, dictionary -> classes and labels.
Labeller = Callable[
    [Sequence[Sample], Sequence[str], KnowledgeBase], tuple[tuple[LabelClass, ...], Labels]
]


def read_prepared(
    card: Card, labeller: Labeller, folder: Path, options: ReadOptions
) -> LabelledSet:
    """Read a set that ``medfilip prepare`` wrote; images are decoded when they are asked for.

    Args:
        card: The data set.
        labeller: Makes classes and labels of findings.
        folder: Holds dataset.json and the shards.
        options: What is wanted.

    Raises:
        DataError: The set is damaged, names no classes, or has no test image.
    """
    place = home(folder, MARKS, partial(_named, card))
    with as_data_errors(card.name):
        images = load_prepared(place, options.kb, size=options.size)
    if not images.classes:
        raise DataError(f"{card.name}: {MANIFEST} names no classes")
    rows = _rows(images, options)
    faults = _faults(place, images, rows, options)
    rows = [row for row in rows if row not in faults]
    chosen = tuple(images.samples[row] for row in rows)
    if "test" in options.splits and not any(sample.split == "test" for sample in chosen):
        raise DataError(f"{card.name}: the split 'test' is empty: there is nothing to judge")
    classes, table = labeller(chosen, images.classes, options.kb)
    keys = _pixel_keys(place, chosen, options)
    known = [(s.id, s.patient_id, s.split, s.findings, s.report) for s in chosen]
    return LabelledSet(
        card=replace(card, classes={c.name: c.category for c in classes}),
        phantom=False,
        key=hash_of([card.id, keys, [[c.category, c.name] for c in classes], repr(known)]),
        pixel_keys=keys,
        images=replace(
            images,
            name=card.name,
            samples=chosen,
            pixels=taken(images.pixels, rows),
            skipped=tuple(faults.values()),
        ),
        classes=classes,
        labels=table,
        split_words=card.splits,
        subjects=tuple(Subject(view=sample.view) for sample in chosen),
    )


def _rows(images: ImageSet, options: ReadOptions) -> list[int]:
    return [
        row
        for split in SPLITS
        if split in options.splits
        for row in limited(
            images.rows(split),
            options.limit,
            options.seed,
            lambda row: images.samples[row].patient_id,
        )
    ]


def _faults(
    folder: Path, images: ImageSet, rows: Sequence[int], options: ReadOptions
) -> dict[int, Skipped]:
    """Images that cannot be decoded; all are tried once, and what was found is cached."""
    store = images.pixels
    if not isinstance(store, ShardStore):
        return {}
    shards = [shard["sha256"] for shard in _shards(folder)]
    key = hash_of([DECODER_VERSION, options.size, shards, list(rows)])[:32]
    path = cache_root() / "prepared" / f"{key}.json"
    if not path.is_file():
        with ThreadPoolExecutor(options.workers) as pool:
            told = list(pool.map(store.fault, rows))
        bad = {str(row): fault for row, fault in zip(rows, told, strict=True) if fault is not None}
        write_atomic(path, json.dumps(bad))
    found: dict[str, tuple[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return {int(row): Skipped(*fault) for row, fault in found.items()}


def _pixel_keys(folder: Path, chosen: Sequence[Sample], options: ReadOptions) -> dict[Split, str]:
    """A hash for each split: its shards' own hashes, and which of their images are taken."""
    shards = _shards(folder)
    return {
        split: hash_of(
            [
                DECODER_VERSION,
                options.size,
                [shard["sha256"] for shard in shards if shard.get("split") == split],
                [sample.id for sample in chosen if sample.split == split],
            ]
        )
        for split in SPLITS
        if any(sample.split == split for sample in chosen)
    }


def _shards(folder: Path) -> list[dict[str, Any]]:
    return _manifest(folder).get("shards", [])


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found: object = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def check_prepared(card: Card, folder: Path) -> Inventory:
    """Say what of a prepared set is in a folder: every shard is compared with its hash.

    Args:
        card: The data set.
        folder: Where to look.
    """
    place = home(folder, MARKS, partial(_named, card))
    try:
        with as_data_errors(card.name):
            found = verify_prepared(place)
    except DataError as error:
        return Inventory(card, place, wrong=(str(error),))
    words = f"{found.images:,} images in {found.shards:,} shards, prepared as {found.name!r}"
    return Inventory(card, place, (words,), wrong=found.faults, usable=not found.faults)


def _named(card: Card, folder: Path) -> bool:
    """Whether a folder holds the prepared set of a card: ``mimic_16`` is prepared as mimic-16."""
    return name_of(folder) == card.id.replace("_", "-")


def name_of(folder: Path) -> str | None:
    """Return the name that a prepared set was given; None where the folder holds none."""
    name = _manifest(folder).get("name")
    return name if isinstance(name, str) else None
