import io
import zlib

import numpy as np
import pytest
from medfilip_model.data import dicom_frame
from medfilip_model.data.decode import read_grey
from medfilip_model.errors import DataError
from PIL import Image
from pydicom import Dataset
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

RAMP = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))


@pytest.fixture
def eight_bits(dicom):
    """A radiograph of 64 x 64 pixels, or what says so and holds another frame."""

    def make(syntax=ExplicitVRLittleEndian, frame=None):
        bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
        return dicom(RAMP, syntax, frame, **bits)

    return make


def coded(kind, **options):
    file = io.BytesIO()
    Image.fromarray(RAMP).save(file, kind, **options)
    return file.getvalue()


def grown(frame, marker, at):
    """A frame that calls itself 60,000 pixels wide and high; `at` from the marker on."""
    place = frame.index(marker)
    size = (60_000).to_bytes(at[1], "big")
    return frame[: place + at[0]] + size + size + frame[place + at[0] + 2 * at[1] :]


JPEG, JPEG_2000 = coded("JPEG", quality=95), coded("JPEG2000", no_jp2=True)
LARGE = {
    JPEGBaseline8Bit: grown(JPEG, b"\xff\xc0", (5, 2)),
    # In one tile as large.
    JPEG2000: grown(grown(JPEG_2000, b"\xff\x51", (6, 4)), b"\xff\x51", (22, 4)),
    # A frame header of JPEG-LS alone.
    JPEGLSLossless: b"\xff\xd8\xff\xf7\0\x0b\x08\xea\x60\xea\x60\x01\x01\x11\0" + bytes(40),
}


@pytest.mark.parametrize("syntax", LARGE, ids=lambda syntax: syntax.name)
def test_content_larger_than_its_header_is_refused_before_it_is_decoded(
    eight_bits, syntax, monkeypatch
):
    def decoded(*_):
        raise AssertionError("it was decoded")

    monkeypatch.setattr(Dataset, "pixel_array", property(decoded))
    told = "the header says 64 x 64 pixels, the content 60000 x 60000 pixels"
    with pytest.raises(DataError, match=told):
        read_grey(eight_bits(syntax, LARGE[syntax]), 64)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEG2000], ids=lambda syntax: syntax.name)
def test_content_of_the_size_of_its_header_is_read(eight_bits, syntax):
    frame = JPEG if syntax == JPEGBaseline8Bit else JPEG_2000
    read = np.asarray(read_grey(eight_bits(syntax, frame), 64)[0]).astype(int)
    assert np.abs(read - np.round(RAMP * (255 / 252))).max() <= 6


@pytest.mark.parametrize(
    "frame",
    [
        JPEG[:2] + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + JPEG[2:],
        JPEG[:2] + b"\xff\xde\0\x0b\x08\0\x40\0\x40\x01\x01\x11\0" + JPEG[2:],
        JPEG[:20],
        b"\xff\xd8" + bytes(30),
        b"\xff\xd8" + b"\xff" * 30,
    ],
    ids=["a scan before its frame", "a hierarchy", "cut short", "no markers", "filled for ever"],
)
def test_a_jpeg_without_a_size_is_refused(eight_bits, frame):
    with pytest.raises(DataError, match="64 x 64 pixels, the content no size"):
        read_grey(eight_bits(JPEGBaseline8Bit, frame), 64)


def test_fill_bytes_before_a_marker_are_passed_over(eight_bits):
    filled = JPEG.replace(b"\xff\xc0", b"\xff\xff\xc0", 1)
    assert read_grey(eight_bits(JPEGBaseline8Bit, filled), 64)[1] == (64, 64)


def test_runs_that_go_on_beyond_the_image_are_not_written(eight_bits, monkeypatch):
    # Runs of 128 pixels, eight times as many as there are.
    runs = np.array([1, 64, *[0] * 14], "<u4").tobytes() + b"\x81\x07" * 256
    image, size = read_grey(eight_bits(RLELossless, runs), 64)
    assert size == image.size == (64, 64)
    used: list[str] = []
    options = Dataset.pixel_array_options

    def spied(self, **given):
        used.append(given["decoding_plugin"])
        options(self, **given)

    monkeypatch.setattr(Dataset, "pixel_array_options", spied)
    read_grey(eight_bits(RLELossless, runs), 64)
    assert used == ["pylibjpeg"]


def test_deflated_content_is_read(eight_bits, tmp_path):
    raw = eight_bits(DeflatedExplicitVRLittleEndian)
    path = tmp_path / "deflated"
    path.write_bytes(raw)
    plain = np.asarray(read_grey(eight_bits(), 64)[0])
    assert (np.asarray(read_grey(raw, 64)[0]) == plain).all()
    assert (np.asarray(read_grey(path, 64)[0]) == plain).all()


def test_deflated_content_without_end_is_refused(eight_bits, monkeypatch):
    raw = eight_bits(DeflatedExplicitVRLittleEndian)
    start = raw.index(b"1.2.840.10008.1.2.1.99") + len("1.2.840.10008.1.2.1.99")
    bomb = zlib.compress(bytes(2 << 20), 9, wbits=-15)
    monkeypatch.setattr(dicom_frame, "_INFLATED", 1 << 20)
    monkeypatch.setattr(dicom_frame, "_AT_ONCE", 1 << 16)
    with pytest.raises(DataError, match="deflated content is larger than 1 MB"):
        read_grey(raw[:start] + bomb, 64)
