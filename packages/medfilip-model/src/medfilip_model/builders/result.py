"""Items → a prepared data set on disk: shards first, dataset.json last."""

import importlib.metadata
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from medfilip_model.builders.items import Item, check_items
from medfilip_model.builders.options import BuildOptions
from medfilip_model.builders.origins import Origin
from medfilip_model.builders.shards import (
    Planned,
    Shard,
    clear,
    finished,
    plan_shards,
    write_shards,
    write_whole,
)
from medfilip_model.data.format import FORMAT, MANIFEST, SHARDS
from medfilip_model.data.samples import SPLITS, Sample, Skipped, Split
from medfilip_model.errors import DataError
from medfilip_model.progress import Listener

Labels = Literal["multi", "single", "severity"]

_SHOWN = 20


@dataclass(frozen=True)
class Draft:
    """All that a builder found out before any pixel is read.

    Attributes:
        name: Of the set.
        source: Kind, and where it lies.
        items: The images, in the order in which they are stored.
        origin: Where their pixels are.
        knowledge: Version of the dictionary.
        skipped: Inputs that were left out already.
        unmatched: What has no partner: name -> ids.
        labels: How many classes an image has.
        classes: Categories that the set is made for; None: all.
        choices: Options of the builder, for the record.
    """

    name: str
    source: Mapping[str, str]
    items: Sequence[Item]
    origin: Origin
    knowledge: str
    skipped: tuple[Skipped, ...] = ()
    unmatched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Labels = "multi"
    classes: tuple[str, ...] | None = None
    choices: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class BuiltSet:
    """A prepared data set that is on disk.

    Attributes:
        folder: Where.
        name: Of the set.
        images: How many.
        splits: Split -> images.
        patients: Split -> patients.
        counts: Category -> split -> images that show it, most frequent first; as read, nothing
            rolled up.
        skipped: Inputs that were left out, and why.
        unmatched: What has no partner: name -> ids.
        labels: How many classes an image has.
        classes: Categories that the set is made for; None: all.
        reused: Shards that an earlier run had finished.
        shards: All shards.
    """

    folder: Path
    name: str
    images: int
    splits: Mapping[Split, int]
    patients: Mapping[Split, int]
    counts: Mapping[str, Mapping[Split, int]]
    skipped: tuple[Skipped, ...]
    unmatched: Mapping[str, tuple[str, ...]]
    labels: Labels
    classes: tuple[str, ...] | None
    reused: int
    shards: tuple[Shard, ...]


def build(draft: Draft, out: Path, options: BuildOptions, listener: Listener) -> BuiltSet:
    """Write a prepared data set, or finish one that was begun.

    Args:
        draft: What goes in.
        out: A new or empty folder, or one of an earlier run: its shards whose inputs are unchanged
            are kept.
        options: How images are stored.
        listener: Hears how far it is.

    Returns:
        What was written.

    Raises:
        DataError: An id twice, a patient in two splits, not one image that can be read, a folder
            that holds something else, no space left.
    """
    check_items(draft.items, draft.name, draft.skipped)
    _open(out)
    plan = plan_shards(draft.items, options)
    left = ((shard.file, finished(out, shard, verify=options.verify)) for shard in plan)
    kept = {file: done for file, done in left if done is not None}
    todo = [shard for shard in plan if shard.file not in kept]
    for shard in todo:
        if options.verify and (out / shard.file).exists():
            listener.note(f"{shard.file} was changed, or what goes into it was: it is made anew")
    if todo:
        (out / MANIFEST).unlink(missing_ok=True)
    listener.start(f"preparing {draft.name}", sum(len(shard.items) for shard in todo), "images")
    shards = dict(kept)
    for shard in write_shards(out, todo, draft.origin, options, listener.advance):
        shards[shard.file] = shard
    built = _built(draft, out, plan, [shards[shard.file] for shard in plan], len(kept))
    clear(out, [shard.file for shard in plan])
    write_whole(out / MANIFEST, _manifest(draft, built, options))
    return built


def _open(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise DataError(f"{str(out)!r} is a file; name a folder")
    begun = (out / SHARDS).is_dir() or (out / MANIFEST).is_file()
    if out.is_dir() and any(out.iterdir()) and not begun:
        raise DataError(
            f"{str(out)!r} is not empty and no prepared data set (no {MANIFEST}, no {SHARDS}/); "
            "name another folder"
        )
    (out / SHARDS).mkdir(parents=True, exist_ok=True)


def _built(
    draft: Draft, out: Path, plan: Sequence[Planned], shards: Sequence[Shard], reused: int
) -> BuiltSet:
    unread: list[Skipped] = []
    samples: list[Sample] = []
    for planned, shard in zip(plan, shards, strict=True):
        reasons = dict(shard.skipped)
        for row, item in enumerate(planned.items):
            if row in reasons:
                name = item.place if isinstance(item.place, str) else item.sample.id
                unread.append(Skipped(name, reasons[row]))
            else:
                samples.append(item.sample)
    if not samples:
        raise DataError(
            f"not one of the {len(unread)} images of {draft.name} can be read; the first, "
            f"{unread[0].file!r}: {unread[0].reason}"
        )
    return BuiltSet(
        folder=out,
        name=draft.name,
        images=len(samples),
        splits=_by_split(samples),
        patients={
            split: len({sample.patient_id for sample in samples if sample.split == split})
            for split in _by_split(samples)
        },
        counts=_counts(samples),
        skipped=(*draft.skipped, *unread),
        unmatched={name: ids for name, ids in draft.unmatched.items() if ids},
        labels=draft.labels,
        classes=draft.classes,
        reused=reused,
        shards=tuple(shards),
    )


def _by_split(samples: Sequence[Sample]) -> dict[Split, int]:
    counted = Counter(sample.split for sample in samples)
    return {split: counted[split] for split in SPLITS if counted[split]}


def _counts(samples: Sequence[Sample]) -> dict[str, dict[Split, int]]:
    counted: Counter[tuple[str, Split]] = Counter()
    for sample in samples:
        counted.update((name, sample.split) for name in {f.category for f in sample.present})
    total: Counter[str] = Counter()
    for (name, _), count in counted.items():
        total[name] += count
    splits = _by_split(samples)
    # Ties by name: the table is the same whatever the order of the images.
    order = sorted(total, key=lambda name: (-total[name], name))
    return {name: {split: counted[name, split] for split in splits} for name in order}


def _manifest(draft: Draft, built: BuiltSet, options: BuildOptions) -> bytes:
    shards: list[dict[str, object]] = []
    for shard in built.shards:
        entry = asdict(shard)
        del entry["skipped"]
        shards.append(entry)
    content = {
        "format": FORMAT,
        "name": draft.name,
        "source": dict(draft.source),
        "config": {**options.stored, **draft.choices},
        "labels": draft.labels,
        "classes": None if draft.classes is None else list(draft.classes),
        "images": built.images,
        "splits": dict(built.splits),
        "patients": dict(built.patients),
        "counts": {name: dict(own) for name, own in built.counts.items()},
        "shards": shards,
        "skipped": [asdict(entry) for entry in built.skipped],
        "unmatched": {
            name: {"count": len(ids), "first": list(ids[:_SHOWN])}
            for name, ids in built.unmatched.items()
        },
        "versions": {
            "medfilip-model": importlib.metadata.version("medfilip-model"),
            "pillow": importlib.metadata.version("pillow"),
            "pyarrow": importlib.metadata.version("pyarrow"),
            "knowledge": draft.knowledge,
        },
    }
    return (json.dumps(content, indent=1) + "\n").encode()
