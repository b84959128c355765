"""Small files in the official layouts: synthetic rows under the exact official headers."""

import itertools
import warnings

import numpy as np
import pytest
from iki_knowledge import load_knowledge
from medfilip_bench.datasets.reader import ReadOptions
from medfilip_bench.datasets.splits import divide
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SIZE = 32


@pytest.fixture(scope="session")
def kb():
    return load_knowledge()


@pytest.fixture
def options(kb):
    """Options by keyword over small images."""
    return lambda **changes: ReadOptions(**({"kb": kb, "size": SIZE, "masks": True} | changes))


@pytest.fixture
def write():
    """Writer of text files: path, lines."""

    def writer(path, *lines):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return writer


@pytest.fixture
def image():
    """Writer of grey images of noise, the seed in the last place: path, seed, (width, height)."""

    def writer(path, seed=0, shape=(40, 40), values=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        if values is None:
            draw = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
            Image.fromarray(draw).resize(shape, Image.Resampling.BICUBIC).save(path)
        else:
            Image.fromarray(np.asarray(values, dtype=np.uint8)).save(path)
        return path

    return writer


@pytest.fixture
def dicom():
    """Writer of DICOM films: path, pixels, tags by keyword."""

    def writer(path, pixels=None, photometric="MONOCHROME2", **tags):
        path.parent.mkdir(parents=True, exist_ok=True)
        if pixels is None:
            pixels = np.random.default_rng(0).integers(0, 256, (64, 64))
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        film = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        film.SOPClassUID, film.SOPInstanceUID = (
            meta.MediaStorageSOPClassUID,
            meta.MediaStorageSOPInstanceUID,
        )
        film.Rows, film.Columns = pixels.shape
        film.SamplesPerPixel, film.PhotometricInterpretation = 1, photometric
        film.BitsAllocated = film.BitsStored = 8
        film.HighBit, film.PixelRepresentation = 7, 0
        film.PixelData = np.asarray(pixels, dtype=np.uint8).tobytes()
        with warnings.catch_warnings():
            # RSNA's ages are written as DICOM does not allow: "51".
            warnings.simplefilter("ignore")
            for name, value in tags.items():
                setattr(film, name, value)
            film.save_as(path)
        return path

    return writer


@pytest.fixture(scope="session")
def named():
    """Names that a hash puts into a split: split, count, pattern."""

    def names(split, count, pattern="{}"):
        every = (pattern.format(n) for n in itertools.count())
        return list(itertools.islice((name for name in every if divide(name) == split), count))

    return names
