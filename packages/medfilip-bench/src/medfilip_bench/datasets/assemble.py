"""Entries of a label file → a labelled set: files are decoded split by split and cached."""

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from iki_knowledge import Finding
from medfilip_model.data import ImageSet, PixelStore, Sample
from medfilip_model.data.decode import DECODER_VERSION
from medfilip_model.data.pixels import load_images
from medfilip_model.data.samples import SPLITS, Skipped, Split

from medfilip_bench.datasets.entry import UNKNOWN, Entry, Source
from medfilip_bench.datasets.foreign import as_data_errors
from medfilip_bench.datasets.geometry import Mask, MaskSource
from medfilip_bench.datasets.labelled import OUTSIDE, LabelClass, LabelledSet
from medfilip_bench.datasets.reader import ReadOptions
from medfilip_bench.datasets.stores import Joined, Made, Part
from medfilip_bench.errors import DataError
from medfilip_bench.files import hash_of

# Files that are decoded, cached and counted together: a run that was killed loses no more.
_CHUNK = 1024
# More missing files than these are told as a number.
_NAMED = 20


def assemble(source: Source, entries: Sequence[Entry], options: ReadOptions) -> LabelledSet:
    """Decode the images of some entries and join them with what is known of them.

    Args:
        source: The set.
        entries: What `medfilip_bench.datasets.entry.choose` gave.
        options: What is wanted.

    Raises:
        DataError: If the test split is wanted and empty, no image of a split can be read, an id
            occurs twice, or a patient is in two splits.
    """
    name = source.card.name
    kept: list[Entry] = []
    parts: list[Part] = []
    skipped: list[Skipped] = []
    keys: dict[Split, str] = {}
    for split in SPLITS:
        own = [entry for entry in entries if entry.split == split]
        if not own:
            continue
        there = [entry.file.is_file() for entry in own]
        here = [entry for entry, found in zip(own, there, strict=True) if found]
        gone = [entry for entry, found in zip(own, there, strict=True) if not found]
        skipped += _missing(gone, source.folder)
        if not here:
            raise DataError(
                f"{name}: not one of the {len(own):,} images of split {split!r} is on disk; the "
                f"first would be {_relative(own[0].file, source.folder)!r}"
            )
        keys[split] = pixel_key([entry.file for entry in here], source.folder, options.size)
        stores, faults = _decode([entry.file for entry in here], f"{name}, {split}", options)
        skipped += faults.values()
        if len(faults) == len(here):
            first = next(iter(faults.values()))
            raise DataError(
                f"{name}: not one of the {len(here):,} images of split {split!r} can be read; the "
                f"first, {first.file!r}: {first.reason}"
            )
        parts += stores
        kept += [entry for row, entry in enumerate(here) if row not in faults]
    if "test" in options.splits and "test" not in keys:
        raise DataError(f"{name}: the split 'test' is empty: there is nothing to judge")
    with as_data_errors(name):
        return _joined(source, kept, Joined(parts, options.size), tuple(skipped), keys, options)


def pixel_key(files: Sequence[Path], folder: Path, size: int) -> str:
    """Return a hash of what decides the pixels of some files, and their order.

    Size and time stand in for the content, which is not read.

    Args:
        files: They are all there.
        folder: What their names are relative to.
        size: Side of the decoded squares in pixels.
    """
    told = [
        (_relative(file, folder), stat.st_size, stat.st_mtime_ns)
        for file in files
        for stat in (file.stat(),)
    ]
    return hash_of([DECODER_VERSION, size, told])


def _decode(
    files: Sequence[Path], what: str, options: ReadOptions
) -> tuple[list[Part], dict[int, Skipped]]:
    """Decode files in chunks that are cached one by one; faults by position in `files`."""
    options.listener.start(f"reading {what}", len(files), "images")
    parts: list[Part] = []
    faults: dict[int, Skipped] = {}
    for start in range(0, len(files), _CHUNK):
        chunk = files[start : start + _CHUNK]
        pixels, skipped = load_images(chunk, options.size, workers=options.workers)
        parts.append(Part.of(pixels))
        faults |= {start + row: fault for row, fault in skipped.items()}
        options.listener.advance(len(chunk))
    return parts, faults


def _missing(entries: Sequence[Entry], folder: Path) -> list[Skipped]:
    if len(entries) <= _NAMED:
        return [Skipped(_relative(e.file, folder), "not on disk") for e in entries]
    first = _relative(entries[0].file, folder)
    return [
        Skipped(
            f"{len(entries):,} images of split {entries[0].split!r}",
            f"not on disk; the first is {first!r}",
        )
    ]


def _relative(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.name


def _joined(
    source: Source,
    kept: Sequence[Entry],
    pixels: PixelStore,
    skipped: tuple[Skipped, ...],
    keys: dict[Split, str],
    options: ReadOptions,
) -> LabelledSet:
    subjects = tuple(entry.subject for entry in kept)
    masked = tuple(row for row, entry in enumerate(kept) if entry.mask is not None)
    shows = options.masks and bool(masked)
    return LabelledSet(
        card=source.card,
        phantom=False,
        key=hash_of([source.card.id, options.size, keys, _digest(source, kept), shows]),
        pixel_keys=keys,
        images=ImageSet(
            name=source.card.name,
            samples=tuple(_sample(entry, source.classes) for entry in kept),
            pixels=pixels,
            skipped=skipped,
        ),
        classes=source.classes,
        labels=np.array([entry.labels for entry in kept], dtype=np.float64).reshape(
            len(kept), len(source.classes)
        ),
        split_words=source.split_words,
        subjects=subjects if any(subject != UNKNOWN for subject in subjects) else (),
        boxes={
            entry.id: tuple(b for b in (box.on_square() for box in entry.boxes) if b is not None)
            for entry in kept
            if entry.boxes is not None
        },
        masks=_masks(kept, options.size) if shows else None,
        masked=masked if shows and len(masked) < len(kept) else None,
        mask_of=source.mask_of if shows else None,
        notes=source.notes,
    )


def _masks(kept: Sequence[Entry], size: int) -> Made:
    sources = tuple(entry.mask for entry in kept)
    return Made(len(kept), size, functools.partial(_mask_at, sources, size))


def _mask_at(sources: Sequence[MaskSource | None], size: int, row: int) -> Mask:
    """The mask of a row; nothing where it has none."""
    source = sources[row]
    if source is None:
        return np.full((size, size), OUTSIDE, dtype=np.uint8)
    return source.read(size)


def _sample(entry: Entry, classes: Sequence[LabelClass]) -> Sample:
    """A sample whose findings are the labels: NaN is uncertain, 0 is not named."""
    findings = entry.findings
    if findings is None:
        findings = tuple(
            Finding(category=c.category, presence="present" if value == 1 else "uncertain")
            for c, value in zip(classes, entry.labels, strict=True)
            if value != 0
        )
    return Sample(
        id=entry.id,
        patient_id=entry.patient,
        split=entry.split,
        findings=findings,
        report=entry.report,
        view=entry.subject.view,
    )


def _digest(source: Source, kept: Sequence[Entry]) -> str:
    """A hash of what is known of every image but its pixels."""
    digest = hashlib.sha256(repr([(c.category, c.name) for c in source.classes]).encode())
    for entry in kept:
        mask = entry.mask.key() if entry.mask is not None else None
        told = (entry.id, entry.patient, entry.split, entry.labels, entry.subject, entry.boxes)
        digest.update(repr((*told, mask, entry.findings, entry.report)).encode())
    return digest.hexdigest()
