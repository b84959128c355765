"""How large the content of a DICOM file is, before it is inflated or decoded.

The header says how many pixels there are, and compressed content says so again, for itself; a
decoder believes the content, and a file of a few kilobytes may hold gigabytes.
"""

import io
import zlib
from pathlib import Path

from openjpeg.utils import get_parameters
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from medfilip_model.data.decode import MAX_PIXELS
from medfilip_model.errors import DataError

# Two bytes a pixel, and as much again for all that stands before the pixels.
_INFLATED = 4 * MAX_PIXELS
_AT_ONCE = 16 * 1024 * 1024
_META_GROUP = 0x0002
# Markers that begin a frame of JPEG or JPEG-LS; among them some that begin none.
_FRAMES = ({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}) | {0xF7}
# A scan, and a hierarchy of frames: the size should have come before.
_TOO_LATE = (0xDA, 0xDE)


def check_inflated(source: Path | bytes) -> None:
    """Inflate deflated content as far as a radiograph could reach.

    Args:
        source: A file or its content.

    Raises:
        DataError: If there is more.
    """
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        read_preamble(file, force=False)
        meta = read_dataset(
            file,
            is_implicit_VR=False,
            is_little_endian=True,
            stop_when=lambda tag, *_: tag.group != _META_GROUP,
        )
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return
        content = file.read()
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    left = _INFLATED
    while content:
        left -= len(inflate.decompress(content, _AT_ONCE))
        if left < 0:
            raise DataError(
                f"its deflated content is larger than {_INFLATED >> 20} MB: it is no radiograph"
            )
        content = inflate.unconsumed_tail


def check_frame(dataset: Dataset) -> None:
    """Compare what the compressed pixels say of their size with what the header says.

    Args:
        dataset: With pixel data of one frame.

    Raises:
        DataError: If they differ, or the pixels say nothing.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    jpeg = syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes)
    if not jpeg and syntax not in JPEG2000TransferSyntaxes:
        return
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    found = _jpeg_size(frame) if jpeg else _jpeg_2000_size(frame)
    said = int(dataset.Columns), int(dataset.Rows)
    if found != said:
        shape = "no size" if found is None else f"{found[0]} x {found[1]} pixels"
        raise DataError(f"the header says {said[0]} x {said[1]} pixels, the content {shape}")


def _jpeg_2000_size(frame: bytes) -> tuple[int, int]:
    found = get_parameters(frame)
    return int(found["columns"]), int(found["rows"])


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    """Width and height of the first frame of a JPEG or JPEG-LS stream (ITU-T T.81, B.1 and B.2)."""
    place = 2
    while place + 9 <= len(frame) and frame[place] == 0xFF:
        marker = frame[place + 1]
        if marker in _FRAMES:
            height, width = (frame[place + at : place + at + 2] for at in (5, 7))
            return int.from_bytes(width), int.from_bytes(height)
        if marker in _TOO_LATE:
            return None
        # A fill byte is a marker's 0xFF once more.
        filled = marker == 0xFF
        place += 1 if filled else 2 + int.from_bytes(frame[place + 2 : place + 4])
    return None
