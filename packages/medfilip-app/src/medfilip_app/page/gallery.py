"""Images that people open: decoded in memory, kept for a while, never written to a disk."""

import io
import secrets
import warnings
from dataclasses import dataclass
from itertools import count
from threading import BoundedSemaphore

import numpy as np
from iki_knowledge import Finding
from jaxtyping import UInt8
from medfilip_model.data.decode import FORMATS, read_grey, square
from medfilip_model.errors import DataError
from medfilip_model.phantom import PhantomConfig, generate
from medfilip_model.phantom.cache import to_bytes
from PIL import Image

from medfilip_app.errors import UploadError
from medfilip_app.recent import Recent
from medfilip_app.text import plain

MAX_BYTES = 64 * 1024 * 1024
"""Larger files are refused."""

# Side of the picture that is shown, in pixels.
_SHOWN = 640
# Images that are kept; some 5 MB at most, heatmaps included.
_KEPT = 64
# Phantoms that no training has seen; few of them without a finding, since there is little to show.
_FIRST = 1_000_000
_NORMAL = 0.1
# Files that are decoded at a time: each may take some hundred megabytes.
_DECODING = BoundedSemaphore(2)
_NAME, _REASON = 60, 200


@dataclass(frozen=True, eq=False)
class Opened:
    """An image that is open.

    Attributes:
        token: What the page knows it by; nobody can guess it.
        name: Of the file, for people; never used as a path.
        about: Its size in pixels, in words.
        pixels: Grey values of the model's input size [S, S].
        shown: The same square, larger, for people [P, P].
        truth: What a phantom shows; None for a file.
        report: What a phantom's radiologist would write; None for a file.
    """

    token: str
    name: str
    about: str
    pixels: UInt8[np.ndarray, "S S"]
    shown: UInt8[np.ndarray, "P P"]
    truth: tuple[Finding, ...] | None = None
    report: str | None = None


class Gallery:
    """The images that are open on a page."""

    def __init__(self, size: int, kept: int = _KEPT) -> None:
        """Start empty.

        Args:
            size: Side of the model's input, in pixels.
            kept: Images that are kept.
        """
        self._size = size
        self._images: Recent[str, Opened] = Recent(kept)
        self._numbers = count(_FIRST)

    def find(self, token: str | None) -> Opened:
        """An image by its token.

        Raises:
            UploadError: If there is none yet, or it is not kept any longer.
        """
        if token is None:
            raise UploadError("open an image first")
        found = self.get(token)
        if found is None:
            raise UploadError("the image is not kept any longer; open it again")
        return found

    def get(self, token: str | None) -> Opened | None:
        """An image by its token, or None."""
        return None if token is None else self._images.get(token)

    def open_file(self, content: bytes, name: str) -> Opened:
        """Decode a file that a person gave.

        Args:
            content: Whatever it holds.
            name: What it is called.

        Raises:
            UploadError: Saying in one line why it cannot be used.
        """
        name = plain_name(name)
        with _DECODING:
            image, (width, height) = _decoded(content, max(self._size, _SHOWN))
            pixels = np.asarray(square(image, self._size))
            shown = np.asarray(square(image, min(max(self._size, *image.size), _SHOWN)))
        cut = "" if width == height else ", of which the model sees the middle square"
        return self._keep(name, f"{width} × {height} pixels{cut}", pixels, shown)

    def open_phantom(self) -> Opened:
        """Draw the next phantom: an image of nobody, with its findings and its report."""
        number = next(self._numbers)
        drawn, large = (
            generate(PhantomConfig(size=side, normal_share=_NORMAL), number)
            # In the model's own size as in training, and once more for people.
            for side in (self._size, max(self._size, _SHOWN))
        )
        return self._keep(
            f"phantom {number}",
            "drawn by a program, of nobody",
            to_bytes(drawn.image),
            to_bytes(large.image),
            drawn.findings,
            f"FINDINGS: {drawn.report.findings}\n\nIMPRESSION: {drawn.report.impression}",
        )

    def _keep(
        self,
        name: str,
        about: str,
        pixels: np.ndarray,
        shown: np.ndarray,
        truth: tuple[Finding, ...] | None = None,
        report: str | None = None,
    ) -> Opened:
        opened = Opened(secrets.token_urlsafe(), name, about, pixels, shown, truth, report)
        self._images.put(opened.token, opened)
        return opened


def plain_name(name: str) -> str:
    """A file's name for people: without folders, on one line, not too long."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    words = plain(last)
    if len(words) > _NAME:
        words = f"{words[: _NAME // 2]}…{words[-_NAME // 2 :]}"
    return words or "image"


def _decoded(content: bytes, short: int) -> tuple[Image.Image, tuple[int, int]]:
    if not content:
        raise UploadError("the file is empty")
    if len(content) > MAX_BYTES:
        raise UploadError(f"the file is larger than {MAX_BYTES >> 20} MB")
    if content[128:132] != b"DICM":
        _check_format(content)
    try:
        return read_grey(content, short)
    except DataError as error:
        reason = " ".join(str(error).split())
        raise UploadError(f"it cannot be read: {reason[:_REASON]}") from error


def _check_format(content: bytes) -> None:
    """Refuse what is no image, by its first bytes, whatever it is called."""
    try:
        with warnings.catch_warnings():
            # `read_grey` tells of an image that is too large.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS):
                return
    except Image.DecompressionBombError:
        return
    # Openers of damaged files raise anything, from struct.error to SyntaxError.
    except Exception as error:
        raise UploadError("no PNG, JPEG, TIFF, WebP or DICOM image, or damaged") from error
