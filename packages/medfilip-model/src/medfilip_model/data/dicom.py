"""A DICOM radiograph → 8-bit grey as a viewer shows it."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import RLELossless

from medfilip_model.data.decode import bands, check_pixels
from medfilip_model.data.dicom_frame import check_frame, check_inflated
from medfilip_model.errors import DataError

_GREY = ("MONOCHROME1", "MONOCHROME2")


def read_dicom(source: Path | bytes) -> Image.Image:
    """Decode a single-frame grey DICOM file.

    Modality LUT or rescale, then VOI LUT or window (the first, where there are several), then the
    range of what is shown to 0..255; MONOCHROME1 is inverted; pixel padding becomes black.
    Compressed transfer syntaxes are read by Pillow and pylibjpeg.

    Args:
        source: A file or its content.

    Returns:
        An image of mode "L", 0 black.

    Raises:
        DataError: Without pixels, with several frames, in colour, too large, or with compressed
            pixels of another size than the header says.
    """
    check_inflated(source)
    dataset = dcmread(io.BytesIO(source) if isinstance(source, bytes) else source)
    _check(dataset)
    if dataset.file_meta.TransferSyntaxUID == RLELossless:
        # pydicom's own decoder writes on where the runs go on beyond the image.
        dataset.pixel_array_options(decoding_plugin="pylibjpeg")
    stored = dataset.pixel_array
    shown = np.empty(stored.shape, np.float32)
    for rows in bands(len(stored)):
        shown[rows] = apply_voi_lut(apply_modality_lut(stored[rows], dataset), dataset)
    padding = dataset.get("PixelPaddingValue")
    outside = None if padding is None else stored == padding
    low, high = _range(shown if outside is None else shown[~outside])
    shown -= low
    shown *= 255.0 / (high - low)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        np.subtract(255.0, shown, out=shown)
    if outside is not None:
        shown[outside] = 0
    shown += 0.5
    return Image.fromarray(shown.clip(0, 255, out=shown).astype(np.uint8))


def _check(dataset: Dataset) -> None:
    if "PixelData" not in dataset:
        raise DataError("DICOM without pixel data")
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        raise DataError(f"{frames} frames: it is no single image")
    kind = dataset.get("PhotometricInterpretation")
    if kind not in _GREY:
        raise DataError(f"photometric interpretation {kind!r}; read are {' and '.join(_GREY)}")
    check_pixels(int(dataset.Columns), int(dataset.Rows))
    check_frame(dataset)


def _range(values: np.ndarray) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return low, high if high > low else low + 1.0
