"""One image file of any kind → grey values: the one place where image files are decoded."""

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image, ImageOps

from medfilip_model.errors import DataError

Fit = Literal["crop", "pad"]

MAX_PIXELS = 48 * 1024 * 1024
"""Larger images are refused before they are decoded: no radiograph has 7000 x 7000 pixels."""

DECODER_VERSION = 2
"""Raise it when the same file gives other grey values: caches and shards are then made anew."""

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000", "PPM")
"""What Pillow is allowed to open: its other readers are of no use here, and one of them, of
PostScript, hands the file to an interpreter."""

# Some depths that detectors have; a 16-bit file rarely uses all of its 16 bits.
_DEPTHS = (8, 10, 12, 14, 16)
_BAND = 256


def read_grey(source: Path | bytes, short: int) -> tuple[Image.Image, tuple[int, int]]:
    """Decode an image to 8-bit grey, as small as decoding alone can make it.

    A JPEG is decoded at 1/2, 1/4 or 1/8 where its short side stays at `short` or above (the DCT's
    own scaling: less to decode, and each pixel is the mean of its block). 16-bit grey is scaled by
    the depth in use: the fewest of 8, 10, 12, 14 or 16 bits that hold its largest value.

    Args:
        source: A file or its content: DICOM, or one of `FORMATS`.
        short: The short side that will be wanted, in pixels.

    Returns:
        An image of mode "L", 0 black, and the width and height that the file has.

    Raises:
        DataError: Saying why: missing, damaged, not an image, larger than `MAX_PIXELS`, several
            frames, CMYK or floating-point pixels.
    """
    try:
        with warnings.catch_warnings():
            # What a decoder mutters about odd metadata; a bomb is refused below by its size.
            warnings.simplefilter("ignore")
            return _read(source, short)
    except DataError:
        raise
    # Decoders of damaged or hostile files raise anything, from struct.error to RecursionError.
    except Exception as error:
        raise DataError(_reason(error)) from error


def square(image: Image.Image, size: int, fit: Fit = "crop") -> Image.Image:
    """Bring a grey image to a square.

    Args:
        image: Mode "L".
        size: Side in pixels.
        fit: ``crop``: short side to `size`, then the centre; ``pad``: long side to `size`, then
            black on both sides.

    Returns:
        An image of `size` x `size`.
    """
    width, height = image.size
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return _scaled(image, (size, size), (left, top, left + side, top + side))
    scale = size / max(width, height)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    padded = Image.new("L", (size, size))
    padded.paste(
        _scaled(image, shape, (0.0, 0.0, float(width), float(height))),
        ((size - shape[0]) // 2, (size - shape[1]) // 2),
    )
    return padded


def _scaled(
    image: Image.Image, shape: tuple[int, int], box: tuple[float, float, float, float]
) -> Image.Image:
    if image.size == shape:
        return image
    # Means of whole blocks first, down to twice the size wanted: several times faster.
    return image.resize(shape, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)


def load_image(path: Path, size: int, fit: Fit = "crop") -> UInt8[np.ndarray, "H W"]:
    """Decode one image file to a grey square.

    Args:
        path: DICOM, or one of `FORMATS`.
        size: Side in pixels.
        fit: See `square`.

    Returns:
        Grey values, 0 black.

    Raises:
        DataError: If the file is missing or cannot be decoded.
    """
    try:
        return np.asarray(square(read_grey(path, size)[0], size, fit))
    except DataError as error:
        raise DataError(f"cannot read image {str(path)!r}: {error}") from error


def check_pixels(width: int, height: int) -> None:
    """Raise DataError for an image that is too large to be a radiograph, or empty."""
    if width < 1 or height < 1:
        raise DataError(f"{width} x {height} pixels: it is empty")
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{width} x {height} pixels are more than the {MAX_PIXELS >> 20} million that are read"
        )


def to_eight_bits(values: UInt16[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W"]:
    """Scale 16-bit grey by the depth in use; 8 bits or fewer stay as they are."""
    top = int(values.max(initial=0))
    white = next(2**bits - 1 for bits in _DEPTHS if top < 2**bits)
    table = (np.arange(white + 1) * (255.0 / white) + 0.5).astype(np.uint8)
    grey = np.empty(values.shape, np.uint8)
    # By bands: as an index numpy widens every value to 64 bits.
    for rows in bands(len(values)):
        grey[rows] = table[values[rows]]
    return grey


def bands(height: int) -> Iterator[slice]:
    """Bands of rows, for arithmetic that needs many bytes a pixel."""
    return (slice(start, start + _BAND) for start in range(0, height, _BAND))


def _read(source: Path | bytes, short: int) -> tuple[Image.Image, tuple[int, int]]:
    if _is_dicom(source):
        image = _dicom(source)
        return image, image.size
    content = io.BytesIO(source) if isinstance(source, bytes) else source
    with Image.open(content, formats=FORMATS) as file:
        width, height = file.size
        check_pixels(width, height)
        frames = int(getattr(file, "n_frames", 1))
        if frames > 1:
            raise DataError(f"{frames} frames: it is no single image")
        if file.mode == "CMYK":
            raise DataError("CMYK pixels: which end is black differs between writers; save as grey")
        if file.mode == "F":
            raise DataError("floating-point pixels: which value is white is not known")
        scale = short / min(width, height)
        file.draft("L", (round(width * scale), round(height * scale)))
        return _grey(ImageOps.exif_transpose(file)), (width, height)


def _dicom(source: Path | bytes) -> Image.Image:
    try:
        from medfilip_model.data.dicom import read_dicom
    except ImportError as error:
        raise DataError("DICOM needs the extra medfilip-model[dicom]") from error
    return read_dicom(source)


def _grey(image: Image.Image) -> Image.Image:
    if not image.mode.startswith("I"):
        image.load()
        return image if image.mode == "L" else image.convert("L")
    values = np.asarray(image)
    return Image.fromarray(to_eight_bits(values.clip(0, 65535).astype(np.uint16, copy=False)))


def _is_dicom(source: Path | bytes) -> bool:
    """Whether the mark of DICOM part 10 is there, whatever the file is called."""
    if isinstance(source, bytes):
        return source[128:132] == b"DICM"
    with source.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image of a known format"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
