"""A small prepared data set, written row by row here: the reader is tested against the layout."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from iki_knowledge import Finding
from medfilip_model.data.format import FORMAT, MANIFEST, SCHEMA
from medfilip_model.data.samples import ImageSet, Sample
from PIL import Image

NAMES = [f"im-{n}" for n in range(7)]


def picture(number: int, size: int = 24) -> np.ndarray:
    """A grey square unlike any other: a ramp from its number on."""
    ramp = np.arange(size * size).reshape(size, size) * 120 // (size * size)
    return (ramp + 15 * number).astype(np.uint8)


def png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def row(number: int, **changes: object) -> dict[str, object]:
    """One row of a shard: a mass on every second image; of the last nothing is known."""
    found = [{"category": "mass", "side": "left"}] if number % 2 else []
    return {
        "image": png(picture(number)),
        "id": NAMES[number],
        "patient_id": f"p{number}",
        "study_id": f"s{number // 2}",
        "view": "PA" if number else None,
        "split": "train" if number < 5 else "valid",
        "findings": None if number == 6 else json.dumps(found),
        "report": f"report {number}" if number % 2 else None,
        "width": 100,
        "height": 90,
        **changes,
    }


@pytest.fixture
def rows() -> list[dict[str, object]]:
    """What `write_set` writes unless told otherwise, to be changed."""
    return [row(n) for n in range(7)]


@pytest.fixture
def write_set(tmp_path: Path) -> Callable[..., Path]:
    """Write rows into shards of three, in record batches of two, and dataset.json."""

    def write(rows: list[dict[str, object]] | None = None, **changes: object) -> Path:
        folder = tmp_path / "prepared"
        (folder / "shards").mkdir(parents=True)
        rows = [row(n) for n in range(7)] if rows is None else rows
        shards = []
        for number, start in enumerate(range(0, len(rows), 3)):
            path = folder / "shards" / f"x-{number:05}.arrow"
            part = pa.Table.from_pylist(rows[start : start + 3], schema=SCHEMA)
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
                writer.write_table(part, max_chunksize=2)
            content = path.read_bytes()
            shards.append(
                {
                    "file": f"shards/{path.name}",
                    "split": "train",
                    "rows": len(part),
                    "bytes": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "key": "k",
                }
            )
        manifest = {"format": FORMAT, "name": "drawn", "classes": ["mass"], "shards": shards}
        (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}))
        return folder

    return write


@pytest.fixture
def many() -> ImageSet:
    """21 images in memory, each with its number as its grey value, two findings or none."""
    both = (Finding(category="mass", side="left", severity="large"), Finding(category="nodule"))
    samples = tuple(
        Sample(f"i{n}", f"p{n}", "train", both if n % 3 else (), report=f"text {n % 4}")
        for n in range(21)
    )
    pixels = np.arange(21, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    return ImageSet("many", samples, pixels)
