"""What an encoder is, which texts it accepts, and how its identity is hashed."""

import hashlib
import importlib.util
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from ssm.errors import EncoderError, EncoderUnavailableError, shorten


@runtime_checkable
class TextEncoder(Protocol):
    """Turns texts into vectors. Any object with these four members will do."""

    @property
    def name(self) -> str:
        """The name that ``load_encoder`` takes, e.g. ``"minilm"``."""
        ...

    @property
    def dim(self) -> int:
        """D, the length of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash of everything that changes the answer: weights, tokenizer, pooling, lengths."""
        ...

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> Float[Tensor, "M D"]:
        """Encode texts, in their order, as float32 rows of length 1 on the CPU.

        Args:
            texts: Any number of texts, none of them empty.
            batch_size: Texts at a time; changes speed and memory, not the answer.
            progress: Show a progress bar on a terminal's stderr.

        Raises:
            EncoderError: A text is empty or no text.
        """
        ...


def check_texts(texts: Sequence[str]) -> list[str]:
    """Return the texts as a list, or say which one cannot be encoded.

    Raises:
        EncoderError: One string in place of a sequence, an item that is no string, an empty or
            blank text, or one that is not valid Unicode.
    """
    if isinstance(texts, str):
        raise EncoderError(f"expected a sequence of texts, got one string {shorten(texts)}")
    checked = list(texts)
    for position, text in enumerate(checked):
        # Callers without a type checker pass None or NaN from a table.
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise EncoderError(f"text {position} is no string but {text!r}")
        if not text or text.isspace():
            raise EncoderError(f"text {position} is empty: leave it out")
        if not text.isascii():
            _check_unicode(position, text)
    return checked


def _check_unicode(position: int, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise EncoderError(
            f"text {position} {shorten(text)} holds half a surrogate pair: decode it properly"
        ) from error


def fingerprint(**parts: str | int) -> str:
    """Hash named parts into 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def files_digest(folder: Path, patterns: Iterable[str]) -> str:
    """Hash the names and contents of the files in ``folder`` that match any of the patterns."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def require_extra(name: str, module: str, extra: str) -> Path:
    """The file of an encoder's optional package, found without importing it.

    Raises:
        EncoderUnavailableError: The package is not installed; names the extra that brings it.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise EncoderUnavailableError(
            f"encoder {name!r} needs the package {module!r}: install 'medfilip-ssm[{extra}]'"
        )
    return Path(spec.origin)
