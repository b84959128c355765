"""A folder of phantoms: images, masks, manifest, reports, truth and a contact sheet."""

import csv
import functools
import io
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from medfilip_model.errors import ConfigError, DataError
from medfilip_model.phantom.cache import to_bytes
from medfilip_model.phantom.config import PhantomConfig
from medfilip_model.phantom.generate import GENERATOR_VERSION, Phantom, generate
from medfilip_model.phantom.parallel import in_order
from medfilip_model.phantom.sheet import contact_sheet

MARKER = "phantom.json"
"""The file that makes a folder a phantom folder; ``complete`` in it is set last."""

_SHEET_TILES = 24
_MANIFEST = ("file", "finding_labels", "patient_id", "view", "sex", "age", "split")


@dataclass(frozen=True)
class PhantomFolder:
    """What was written.

    Attributes:
        path: The folder.
        images: Number of images.
        findings: Category → number of images that show it, most frequent first.
    """

    path: Path
    images: int
    findings: Mapping[str, int]


@dataclass(frozen=True)
class _Row:
    """One phantom's lines in the tables."""

    manifest: dict[str, str | int]
    report: dict[str, str]
    truth: dict[str, object]


def split_of(index: int) -> str:
    """Seven tenths train, one valid, two test; every phantom is a patient of its own."""
    return ("train", "train", "train", "train", "train", "train", "train", "valid", "test", "test")[
        index % 10
    ]


def _save(path: Path, content: bytes) -> None:
    """Write under a temporary name in the same folder, then rename."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def mask_name(phantom: Phantom, number: int) -> str:
    """File name of a finding's mask: id, position, category."""
    return f"{phantom.id}.{number}.{phantom.findings[number].category}.png"


def _row(phantom: Phantom, index: int) -> _Row:
    labels = "|".join(finding.category for finding in phantom.findings) or "No Finding"
    findings = [
        {**finding.model_dump(), "mask": f"masks/{mask_name(phantom, number)}"}
        for number, finding in enumerate(phantom.findings)
    ]
    return _Row(
        manifest={
            "file": f"{phantom.id}.png",
            "finding_labels": labels,
            "patient_id": phantom.id.replace("phantom", "patient"),
            "view": "PA",
            "sex": phantom.patient.sex,
            "age": phantom.patient.age,
            "split": split_of(index),
        },
        report={
            "report_id": phantom.id,
            "image": f"images/{phantom.id}.png",
            "findings": phantom.report.findings,
            "impression": phantom.report.impression,
        },
        truth={
            "report_id": phantom.id,
            "schema": 1,
            "engine": f"phantom@{GENERATOR_VERSION}",
            "findings": findings,
        },
    )


def _write_chunk(config: PhantomConfig, out: Path, indices: list[int]) -> list[_Row]:
    rows: list[_Row] = []
    for index in indices:
        phantom = generate(config, index)
        _save(out / "images" / f"{phantom.id}.png", _png(Image.fromarray(to_bytes(phantom.image))))
        for number, mask in phantom.masks.items():
            picture = Image.fromarray(mask.astype(np.uint8) * 255)
            _save(out / "masks" / mask_name(phantom, number), _png(picture))
        rows.append(_row(phantom, index))
    return rows


def _table(columns: Iterable[str], rows: Iterable[Mapping[str, str | int]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _prepare(out: Path) -> None:
    """Make the folder, or empty an earlier phantom folder of its images and masks."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{str(out)!r} is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise DataError(
            f"{str(out)!r} is not empty and no phantom folder (no {MARKER}); name another folder"
        )
    for name in ("images", "masks"):
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("phantom-*.png"):
            old.unlink()


def write_phantoms(
    config: PhantomConfig,
    n: int,
    out: Path,
    *,
    workers: int = 1,
    progress: Callable[[int], object] | None = None,
) -> PhantomFolder:
    """Write phantoms 0 … n - 1 as a manifest folder.

    ``images/<id>.png``; ``masks/<id>.<k>.<category>.png`` for finding k; ``manifest.csv`` (labels
    are category ids); ``reports.csv``, each report with its image; ``truth.jsonl``, a line a
    phantom like ``findings.jsonl``, where a finding has ``mask`` in place of ``surface`` and
    ``evidence``, because the truth was read from no text; ``contact_sheet.png`` of the first 24;
    ``phantom.json``, the recipe.

    Args:
        config: The recipe.
        n: How many; at least 1.
        out: A new or empty folder, or an earlier phantom folder, whose phantoms are replaced.
        workers: Processes, see `in_order`.
        progress: Called with the number of phantoms just written.

    Raises:
        ConfigError: ``n`` or ``workers`` is below 1.
        DataError: ``out`` holds something else.
    """
    if n < 1:
        raise ConfigError(f"n is {n!r}; ask for 1 phantom or more")
    if workers < 1:
        raise ConfigError(f"workers is {workers!r}; give 1 or more processes")
    _prepare(out)
    recipe = {"format": 1, "generator": GENERATOR_VERSION, "n": n, "config": config.model_dump()}
    _save(out / MARKER, json.dumps({**recipe, "complete": False}, indent=2).encode())
    rows: list[_Row] = []
    task = functools.partial(_write_chunk, config, out)
    for chunk in in_order(task, range(n), workers=workers):
        rows += chunk
        if progress is not None:
            progress(len(chunk))
    _save(out / "manifest.csv", _table(_MANIFEST, (row.manifest for row in rows)))
    _save(out / "reports.csv", _table(rows[0].report, (row.report for row in rows)))
    lines = "".join(json.dumps(row.truth) + "\n" for row in rows)
    _save(out / "truth.jsonl", lines.encode())
    shown = [generate(config, index) for index in range(min(n, _SHEET_TILES))]
    _save(out / "contact_sheet.png", _png(contact_sheet(shown)))
    _save(out / MARKER, json.dumps({**recipe, "complete": True}, indent=2).encode())
    counts = Counter(
        label for row in rows for label in str(row.manifest["finding_labels"]).split("|")
    )
    return PhantomFolder(out, n, dict(counts.most_common()))
