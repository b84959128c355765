"""The manifest of a bank folder: which parts make up the bank, who encoded them, their digests.

A folder holds

- ``manifest.json``, written last, so that it always points to files that are complete;
- for each part, ``texts-DIGEST.json`` (a list of strings) and ``vectors-DIGEST.safetensors`` (one
  float32 row for each): digests of their content, whole ones in the manifest;
- ``calibration-DIGEST.safetensors`` where the calibration has tensors.

The manifest carries the sha256 of its own fields. What it does not list does not belong to the
bank: an interrupted write, deleted by the next one.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ssm.errors import BankError
from ssm.files import damaged, named, replace

SCHEMA = 2
_NAME = "manifest.json"
# Of this schema, and of schema 1, which a rebuild replaces. Nothing else in the folder is touched.
_OURS = re.compile(
    r"(texts|vectors|calibration|embeddings)-[0-9a-f]{16}\.(json|safetensors)"
    r"|\.(texts|vectors|calibration|embeddings|manifest)\b.*\.tmp"
)


@dataclass(frozen=True)
class Part:
    """Some texts and their vectors, by the sha256 of the two files."""

    count: int
    texts: str
    vectors: str


@dataclass(frozen=True)
class Manifest:
    """What a folder holds, but for the texts and vectors themselves.

    Attributes:
        encoder: Name of the encoder.
        fingerprint: Its fingerprint.
        dim: D.
        parts: In the order of the texts.
        columns: Further values of the texts, by column, one for each text.
        calibration: Its settings.
        calibration_tensors: sha256 of the file of its tensors, if it has any.
    """

    encoder: str
    fingerprint: str
    dim: int
    parts: tuple[Part, ...]
    columns: Mapping[str, tuple[str, ...]]
    calibration: Mapping[str, str | float]
    calibration_tensors: str | None

    @property
    def count(self) -> int:
        """Number of texts."""
        return sum(part.count for part in self.parts)

    def files(self) -> set[str]:
        """Names of the files that belong to the bank, but for the manifest."""
        names = {named("texts", part.texts, "json") for part in self.parts}
        names |= {named("vectors", part.vectors, "safetensors") for part in self.parts}
        if self.calibration_tensors is not None:
            names.add(named("calibration", self.calibration_tensors, "safetensors"))
        return names


def read_manifest(folder: Path) -> Manifest | None:
    """Read and verify the manifest; None where there is none.

    Raises:
        BankError: It is damaged, another schema wrote it, or the folder is a file.
    """
    if folder.is_file():
        raise BankError(f"{str(folder)!r} is a file, a bank is a folder")
    try:
        fields = json.loads((folder / _NAME).read_bytes())
        schema = fields.pop("schema")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BankError(f"cannot read the bank {str(folder)!r}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(folder, f"{_NAME} cannot be read ({error})") from error
    if schema != SCHEMA:
        raise BankError(
            f"bank {str(folder)!r} has schema {schema!r}, this version reads {SCHEMA}: use the "
            "version that wrote it, or encode its texts anew with rebuild=True (ssm encode "
            "--rebuild)"
        )
    if fields.pop("sha256", None) != _digest(fields):
        raise damaged(folder, f"the fields of {_NAME} do not match their sha256")
    try:
        return Manifest(
            encoder=fields["encoder"]["name"],
            fingerprint=fields["encoder"]["fingerprint"],
            dim=fields["dim"],
            parts=tuple(Part(**part) for part in fields["parts"]),
            columns={name: tuple(values) for name, values in fields["columns"].items()},
            calibration=fields["calibration"]["settings"],
            calibration_tensors=fields["calibration"]["tensors"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged(folder, f"{_NAME} lacks a field ({error!r})") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, then delete what no longer belongs to the bank.

    Raises:
        OSError: The disk refuses; the bank is what it was.
    """
    fields: dict[str, Any] = {
        "encoder": {"name": manifest.encoder, "fingerprint": manifest.fingerprint},
        "count": manifest.count,
        "dim": manifest.dim,
        "parts": [vars(part) for part in manifest.parts],
        "columns": dict(manifest.columns),
        "calibration": {
            "settings": dict(manifest.calibration),
            "tensors": manifest.calibration_tensors,
        },
        "versions": {"medfilip-ssm": version("medfilip-ssm"), "torch": str(torch.__version__)},
    }
    content = {"schema": SCHEMA, "sha256": _digest(fields), **fields}
    replace(folder / _NAME, json.dumps(content, indent=1).encode())
    kept = manifest.files()
    for path in list(folder.iterdir()):
        if _OURS.fullmatch(path.name) and path.name not in kept:
            try:
                path.unlink(missing_ok=True)
            except OSError:  # Windows keeps a file that a reader has mapped: the next write's.
                continue


def _digest(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
