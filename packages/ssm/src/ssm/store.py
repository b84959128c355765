"""A bank on disk: texts and vectors in parts named by their content, a manifest that lists them.

Killed at any moment, the folder holds either the old bank or the new one. What does not match its
digest is an error, never used. Several processes may read while one writes; writers take turns.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ssm.calibration import Calibration, CalibrationMethod, fit_calibration
from ssm.encoders import TextEncoder, check_texts
from ssm.errors import BankError, SsmError, shorten
from ssm.files import LOG, locked, refusals, write_named, write_tensors
from ssm.manifest import Manifest, Part, read_manifest, write_manifest
from ssm.stored import Stored, read, read_parts

__all__ = ["Stored", "extend", "read", "write"]

_BLOCK = 4096  # Texts encoded between two writes: what a killed build can lose.


def write(
    folder: Path,
    texts: Sequence[str],
    embeddings: Float[Tensor, "U D"],
    *,
    encoder: str,
    fingerprint: str,
    calibration: Calibration,
    columns: Mapping[str, tuple[str, ...]],
) -> None:
    """Replace what a folder holds by one part; what was there stays valid until the end.

    Raises:
        BankError: The disk refuses (full, read-only); the old content is untouched. Or a vector is
            not of length 1.
    """
    check_texts(texts)
    embeddings = embeddings.detach().to("cpu", torch.float32)
    _check_lengths(embeddings, texts, f"the bank of encoder {encoder!r} holds")
    with locked(folder), refusals(folder):
        manifest = Manifest(
            encoder=encoder,
            fingerprint=fingerprint,
            dim=embeddings.shape[1],
            parts=(_write_part(folder, texts, embeddings),),
            columns=columns,
            calibration=calibration.settings(),
            calibration_tensors=_write_calibration(folder, calibration),
        )
        write_manifest(folder, manifest)


def extend(
    folder: Path,
    texts: Sequence[str],
    encoder: TextEncoder,
    *,
    batch_size: int = 64,
    progress: bool = False,
    rebuild: bool = False,
    columns: Mapping[str, Sequence[str]] | None = None,
    calibration: CalibrationMethod | None = None,
) -> Stored:
    """Add the texts that a folder lacks, encoding only those, and return all that it holds.

    Two processes that extend the same folder at once take turns: the second finds what the first
    encoded. A long build is written every few thousand texts, and goes on from there when killed.
    A folder that lacks nothing is only read, and may be read-only.

    Args:
        folder: Made if it is not there.
        texts: Any number, repeated or not.
        encoder: Who encodes.
        batch_size: Texts the encoder takes at a time.
        progress: Show a progress bar on a terminal's stderr.
        rebuild: Forget what is there, whatever its state, and encode all texts anew. The old
            content goes when the first new vectors are written.
        columns: Further values, one for each of ``texts``; of a repeated text the first counts.
            They replace the text's older ones. A text without a value has an empty one.
        calibration: Fit this one on all that the folder then holds, and save it. Without it, the
            one that is there stays as it was fitted.

    Raises:
        BankError: The folder is damaged, holds another encoder's vectors, or cannot be written, or
            the encoder returns something that is no set of unit vectors.
        EncoderError: A text cannot be encoded.
        SsmError: A column has not one value for each text, or the calibration cannot be fitted.
    """
    listed = check_texts(texts)
    for name, values in (columns or {}).items():
        if len(values) != len(listed):
            raise SsmError(f"column {name!r} has {len(values)} values for {len(listed)} texts")
    unique = list(dict.fromkeys(listed))
    stored = None if rebuild else read(folder)
    if stored is not None:
        _check_encoder(folder, stored.manifest, encoder)
        if not columns and calibration is None and all(text in stored.places for text in unique):
            return stored
    with locked(folder):
        if not rebuild and (now := read_manifest(folder)) != (stored and stored.manifest):
            stored = None if now is None else read_parts(folder, now)
        stored = stored or _nothing(encoder)
        _check_encoder(folder, stored.manifest, encoder)
        missing = [text for text in unique if text not in stored.places]
        for start in range(0, len(missing), _BLOCK):
            block = missing[start : start + _BLOCK]
            rows = encoder.encode(block, batch_size=batch_size, progress=progress)
            _check_rows(rows, block, encoder)
            stored = _append(folder, stored, block, rows)
        if columns or not stored.manifest.parts:
            stored = _annotate(folder, stored, listed, columns or {})
        stored = _compact(folder, stored)
        return stored if calibration is None else _calibrate(folder, stored, calibration)


def _nothing(encoder: TextEncoder) -> Stored:
    none = Calibration()
    manifest = Manifest(encoder.name, encoder.fingerprint, encoder.dim, (), {}, {}, None)
    return Stored((), (), replace(manifest, calibration=none.settings()), none)


def _append(folder: Path, stored: Stored, texts: Sequence[str], rows: Tensor) -> Stored:
    """Write one more part."""
    old = stored.manifest
    blank = ("",) * len(texts)
    with refusals(folder):
        part = _write_part(folder, texts, rows)
        columns = {name: (*values, *blank) for name, values in old.columns.items()}
        manifest = replace(old, parts=(*old.parts, part), columns=columns)
        write_manifest(folder, manifest)
    return Stored((*stored.texts, *texts), (*stored.matrices, rows), manifest, stored.calibration)


def _annotate(
    folder: Path, stored: Stored, texts: Sequence[str], columns: Mapping[str, Sequence[str]]
) -> Stored:
    """Write values of texts into the manifest."""
    merged = dict(stored.manifest.columns)
    for name, given in columns.items():
        values = list(merged.get(name, ("",) * len(stored.texts)))
        for text, value in reversed(list(zip(texts, given, strict=True))):
            values[stored.places[text]] = value
        merged[name] = tuple(values)
    manifest = replace(stored.manifest, columns=merged)
    with refusals(folder):
        write_manifest(folder, manifest)
    return replace(stored, manifest=manifest)


def _calibrate(folder: Path, stored: Stored, method: CalibrationMethod) -> Stored:
    """Fit a calibration on all vectors and write it."""
    calibration = fit_calibration(stored.embeddings, method)
    with refusals(folder):
        manifest = replace(
            stored.manifest,
            calibration=calibration.settings(),
            calibration_tensors=_write_calibration(folder, calibration),
        )
        write_manifest(folder, manifest)
    return replace(stored, manifest=manifest, calibration=calibration)


def _compact(folder: Path, stored: Stored) -> Stored:
    """Merge the last parts while they are, together, as large as the one before them.

    So a build in one go ends as one part, sizes at least halve from part to part, and a text is
    copied a number of times that grows with the logarithm of the bank's size.
    """
    parts = stored.manifest.parts
    counts = [part.count for part in parts]
    merged = (at for at in range(len(parts) - 1) if sum(counts[at + 1 :]) >= counts[at])
    first = next(merged, None)
    if first is None:
        return stored
    rows = torch.cat(stored.matrices[first:])
    texts = stored.texts[sum(counts[:first]) :]
    try:
        kept = (*parts[:first], _write_part(folder, texts, rows))
        manifest = replace(stored.manifest, parts=kept)
        write_manifest(folder, manifest)
    except OSError as error:  # All is written; only the tidying failed.
        LOG.warning("bank %s stays in %d parts: %s", folder, len(parts), error)
        return stored
    return replace(stored, matrices=(*stored.matrices[:first], rows), manifest=manifest)


def _write_part(folder: Path, texts: Sequence[str], rows: Tensor) -> Part:
    vectors = write_tensors(folder, "vectors", {"embeddings": rows})
    listed = json.dumps(list(texts), ensure_ascii=False, separators=(",\n", ": ")).encode()
    return Part(len(texts), write_named(folder, "texts", "json", listed), vectors)


def _write_calibration(folder: Path, calibration: Calibration) -> str | None:
    tensors = calibration.tensors()
    return write_tensors(folder, "calibration", tensors) if tensors else None


def _check_encoder(folder: Path, manifest: Manifest, encoder: TextEncoder) -> None:
    if (manifest.fingerprint, manifest.dim) != (encoder.fingerprint, encoder.dim):
        raise BankError(
            f"bank {str(folder)!r} was made by encoder {manifest.encoder!r} "
            f"({manifest.fingerprint[:12]}, {manifest.dim} dimensions), not by {encoder.name!r} "
            f"({encoder.fingerprint[:12]}, {encoder.dim} dimensions): use that one or another "
            "folder, or encode all texts anew with rebuild=True (ssm encode --rebuild)"
        )


def _check_rows(rows: Tensor, texts: Sequence[str], encoder: TextEncoder) -> None:
    if rows.shape != (len(texts), encoder.dim) or rows.dtype != torch.float32:
        raise BankError(
            f"encoder {encoder.name!r} returned {rows.dtype} of shape {list(rows.shape)} for "
            f"{len(texts)} texts, expected float32 of shape [{len(texts)}, {encoder.dim}]"
        )
    _check_lengths(rows, texts, f"encoder {encoder.name!r} returned")


def _check_lengths(rows: Tensor, texts: Sequence[str], who: str) -> None:
    lengths = rows.norm(dim=1)
    wrong = ~torch.isclose(lengths, torch.ones_like(lengths), atol=1e-3)
    if wrong.any():
        first = int(wrong.nonzero()[0, 0])
        raise BankError(
            f"{who} a vector of length {float(lengths[first]):g}, not 1, for {int(wrong.sum())} of "
            f"{len(texts)} texts, first {shorten(texts[first])}"
        )
