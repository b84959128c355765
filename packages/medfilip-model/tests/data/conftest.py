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
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
)

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


RAMP = np.tile(np.arange(64, dtype=np.uint16) * 64, (64, 1))


@pytest.fixture
def dicom() -> Callable[..., bytes]:
    """A radiograph, of 12 bits stored in 16; `frame` is what stands there for its pixels."""

    def make(
        pixels: np.ndarray = RAMP,
        syntax: str = ExplicitVRLittleEndian,
        frame: bytes | None = None,
        **tags: object,
    ) -> bytes:
        dataset = Dataset()
        dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
        dataset.SOPInstanceUID = "1.2.3"
        plain = syntax in (ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.Rows, dataset.Columns = pixels.shape[-2:]
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.PixelRepresentation = 0
        dataset.PixelData = pixels.tobytes() if frame is None else encapsulate([frame])
        for name, value in tags.items():
            if value is None:
                del dataset[name]
            else:
                setattr(dataset, name, value)
        if frame is None and not plain:
            dataset.compress(syntax)
        else:
            dataset.file_meta.TransferSyntaxUID = syntax
        if frame is not None:
            dataset["PixelData"].VR = "OB"
        buffer = io.BytesIO()
        dataset.save_as(buffer, enforce_file_format=True)
        return buffer.getvalue()

    return make
