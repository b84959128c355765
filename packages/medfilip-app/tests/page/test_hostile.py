"""Fifty files that nobody should send, and some odd ones that can be read."""

import io
import json
import struct
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.parse import quote

import numpy as np
import pytest
from medfilip_app.errors import UploadError
from medfilip_app.page.desk import Desk
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

RAMP = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


GREY = Image.fromarray(RAMP)
PNG, JPEG = saved(GREY), saved(GREY, "JPEG", quality=90)
BROKEN_EXIF = saved(GREY, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\x12" * 40)


def chunk(kind: bytes, content: bytes, crc: int | None = None) -> bytes:
    check = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(chunks) + chunk(b"IEND", b"")


def frames(kind: str) -> bytes:
    return saved(GREY, kind, save_all=True, append_images=[Image.fromarray(RAMP.T), GREY])


def dicom(syntax: str = ExplicitVRLittleEndian, **tags: object) -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = "1.2.3"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Rows, dataset.Columns = RAMP.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    dataset.PixelData = RAMP.tobytes()
    for name, value in tags.items():
        if value is None:
            del dataset[name]
        else:
            setattr(dataset, name, value)
    if syntax in (RLELossless, JPEG2000Lossless, JPEGBaseline8Bit):
        dataset["PixelData"].VR = "OB"
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def inflating() -> bytes:
    head, mark, _ = dicom(DeflatedExplicitVRLittleEndian).partition(DEFLATED)
    squeeze = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return head + mark + b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(256))


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("../../evil.png", PNG)
    return file.getvalue()


def sixteen() -> Image.Image:
    return Image.fromarray(RAMP.astype(np.uint16) * 250)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
GHOST = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(x) run\n%%EOF\n"
DEFLATED = DeflatedExplicitVRLittleEndian.encode()
BOMB = zlib.compress(bytes(64 << 20), 9)

REFUSED: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "one byte": lambda: b"\0",
    "zeros": lambda: bytes(5000),
    "random bytes": lambda: np.random.default_rng(0).bytes(5000),
    "random bytes with the mark of dicom": lambda: (
        bytes(128) + b"DICM" + np.random.default_rng(1).bytes(5000)
    ),
    "the mark of dicom alone": lambda: bytes(128) + b"DICM",
    "png cut in its signature": lambda: PNG[:6],
    "png cut in its header": lambda: PNG[:20],
    "png cut before its pixels": lambda: PNG[:40],
    "png cut in its pixels": lambda: PNG[: len(PNG) // 2],
    "jpeg cut in its header": lambda: JPEG[:30],
    "jpeg cut in its tables": lambda: JPEG[:200],
    "jpeg cut in its pixels": lambda: JPEG[:-200],
    "20000 x 20000 pixels in a header": lambda: png(20_000, 20_000, chunk(b"IDAT", b"")),
    "2 ** 31 - 1 pixels a side": lambda: png(2**31 - 1, 2**31 - 1, chunk(b"IDAT", b"")),
    "no pixels a side": lambda: png(0, 0, chunk(b"IDAT", zlib.compress(b""))),
    "no pixel data": lambda: png(64, 64),
    "pixels that do not inflate": lambda: png(64, 64, chunk(b"IDAT", b"no zlib at all")),
    "wrong checksum of the header": lambda: PNG[:29] + b"\0\0\0\0" + PNG[33:],
    "bomb in a text of png": lambda: png(
        64,
        64,
        chunk(b"zTXt", b"Comment\0\0" + BOMB),
        chunk(b"IDAT", zlib.compress(bytes(65 * 64))),
    ),
    "animated gif": lambda: frames("GIF"),
    "animated png": lambda: frames("PNG"),
    "animated webp": lambda: frames("WEBP"),
    "tiff of many pages": lambda: frames("TIFF"),
    "tiff of floats": lambda: saved(Image.fromarray(RAMP.astype(np.float32)), "TIFF"),
    "tiff cut short": lambda: saved(GREY, "TIFF")[:-900],
    "cmyk jpeg": lambda: saved(GREY.convert("CMYK"), "JPEG"),
    "zip": archive,
    "pdf": lambda: b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n",
    "html": lambda: b"<html><script>alert(1)</script></html>",
    "svg": lambda: SVG,
    "postscript": lambda: GHOST,
    "program": lambda: b"MZ\x90\0" + bytes(600) + b"PE\0\0",
    "elf": lambda: b"\x7fELF\x02\x01\x01" + bytes(600),
    "pickle": lambda: b"\x80\x04\x95\x1f\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93.",
    "heic header": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400),
    "gzip bomb": lambda: b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + BOMB[2:],
    "psd": lambda: b"8BPS\0\x01" + bytes(600),
    "dicom without pixels": lambda: dicom(PixelData=None),
    "dicom without rows": lambda: dicom(Rows=None),
    "dicom with fewer pixels than it says": lambda: dicom(Rows=640),
    "dicom of 60000 x 60000 pixels": lambda: dicom(Rows=60_000, Columns=60_000),
    "dicom cut short": lambda: dicom()[:900],
    "dicom of many frames": lambda: dicom(NumberOfFrames=3),
    "dicom in colour": lambda: dicom(PhotometricInterpretation="RGB", SamplesPerPixel=3),
    "dicom that inflates without end": inflating,
    "dicom with another size in its pixels": lambda: dicom(
        JPEGBaseline8Bit, PixelData=encapsulate([saved(GREY.resize((512, 512)), "JPEG")])
    ),
    "dicom with damaged runs": lambda: dicom(RLELossless, PixelData=encapsulate([b"\xff" * 90])),
    "dicom with damaged jpeg 2000": lambda: dicom(
        JPEG2000Lossless, PixelData=encapsulate([b"\xff\x4f\xff\x51" + bytes(90)])
    ),
    "dicom of no known photometry": lambda: dicom().replace(b"MONOCHROME2 ", b"<b>../x</b> "),
    "text": lambda: b"FINDINGS: The lungs are clear.\n" * 40,
}
READ: dict[str, Callable[[], bytes]] = {
    "wrong checksum of the pixels": lambda: png(
        64, 64, chunk(b"IDAT", zlib.compress(bytes(65 * 64)), crc=1)
    ),
    "16-bit png": lambda: saved(sixteen()),
    "16-bit tiff": lambda: saved(sixteen(), "TIFF"),
    "one pixel": lambda: saved(Image.new("L", (1, 1))),
    "1 x 10000 pixels": lambda: saved(Image.new("L", (1, 10_000))),
    "10000 x 1 pixels": lambda: saved(Image.new("L", (10_000, 1))),
    "one bit a pixel": lambda: saved(GREY.convert("1")),
    "palette with transparency": lambda: saved(GREY.convert("P"), transparency=0),
    "grey with alpha": lambda: saved(GREY.convert("LA")),
    "wrong exif": lambda: BROKEN_EXIF,
    "turned by exif": lambda: saved(GREY, "JPEG", exif=b"Exif\0\0" + b"MM\0*" + bytes(20)),
    "garbage for colours": lambda: saved(GREY, icc_profile=b"\xff" * 300),
    "bytes after the end": lambda: PNG + archive(),
    "deflated dicom": lambda: dicom(DeflatedExplicitVRLittleEndian),
    "monochrome 1": lambda: dicom(PhotometricInterpretation="MONOCHROME1"),
}
NAMES = [
    "../../../etc/passwd.png",
    r"C:\Users\somebody\scan.png",
    "line\nbreak\r\n<b>.png",
    "‮gnp.exe\u0000.png",
    "Röntgen 胸部.png",
    "x" * 5000 + ".png",
    "",
    "/",
]


def plainly(message: str) -> bool:
    """Whether a message is one clear line without anything of the machine."""
    hidden = ("Traceback", 'File "', "/work", "/home", "/tmp", "site-packages", "0x", "BytesIO")
    return 0 < len(message) < 300 and "\n" not in message and not any(h in message for h in hidden)


def test_there_are_enough():
    assert len(REFUSED) >= 50


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_in_one_clear_line(desk: Desk, kind: str):
    with pytest.raises(UploadError) as caught:
        desk.gallery.open_file(REFUSED[kind](), "scan.png")
    assert plainly(str(caught.value)), str(caught.value)


@pytest.mark.parametrize("kind", READ)
def test_what_is_odd_but_readable_is_read(desk: Desk, kind: str):
    opened = desk.gallery.open_file(READ[kind](), "scan.dcm")
    assert opened.pixels.shape == (32, 32)
    assert opened.shown.shape[0] == opened.shown.shape[1] <= 640


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_words_and_no_path(desk: Desk, name: str):
    shown = desk.gallery.open_file(PNG, name).name
    assert shown.isprintable()
    assert 0 < len(shown) <= 61
    assert "/" not in shown
    assert "\\" not in shown


def post(address: str, content: bytes, name: str = "scan.png") -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(
        f"{address}image", data=content, headers={"X-File-Name": quote(name)}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_server_refuses_them_and_goes_on(address: str, desk: Desk):
    for kind, make in REFUSED.items():
        status, answer = post(address, make(), f"{kind}.png")
        assert status == 422, kind
        assert plainly(answer["error"]), kind
    status, answer = post(address, PNG)
    assert status == 200
    assert desk.gallery.find(answer["token"]).pixels.shape == (32, 32)
