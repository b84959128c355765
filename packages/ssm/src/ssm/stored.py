"""What a bank folder holds, read and verified: texts, vectors mapped from the disk, manifest."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ssm.calibration import Calibration
from ssm.errors import BankError, SsmError
from ssm.files import damaged, map_tensors, read_named
from ssm.manifest import Manifest, read_manifest


@dataclass(frozen=True, eq=False)
class Stored:
    """What a folder holds: unique texts, one row of length 1 for each, and who encoded them.

    Attributes:
        texts: All texts, in the order in which they were added.
        matrices: Their vectors, one matrix for each part; mapped from the disk when read.
        manifest: The encoder, the parts, the columns.
        calibration: As it was saved.
    """

    texts: tuple[str, ...]
    matrices: tuple[Float[Tensor, "_ D"], ...]
    manifest: Manifest
    calibration: Calibration = field(default_factory=Calibration)

    @cached_property
    def embeddings(self) -> Float[Tensor, "U D"]:
        """All vectors: as they are where there is one part, else copied into one matrix."""
        if len(self.matrices) == 1:
            return self.matrices[0]
        return torch.cat([torch.zeros(0, self.manifest.dim), *self.matrices])

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Row of each text."""
        return {text: row for row, text in enumerate(self.texts)}

    def gather(self, texts: Sequence[str]) -> Float[Tensor, "M D"]:
        """The vectors of some texts: a view where they are a run of one part, else a copy."""
        chosen = torch.tensor([self.places[text] for text in texts], dtype=torch.long)
        first, count = int(chosen[0]) if len(chosen) else 0, len(chosen)
        run = torch.equal(chosen, torch.arange(first, first + count))
        gathered = torch.empty(count, self.manifest.dim)
        start = 0
        for matrix in self.matrices:
            end = start + len(matrix)
            if run and start <= first and first + count <= end:
                return matrix[first - start : first - start + count]
            inside = (chosen >= start) & (chosen < end)
            gathered[inside] = matrix[chosen[inside] - start]
            start = end
        return gathered


def read(folder: Path) -> Stored | None:
    """Read and verify a folder; None where there is no manifest.

    Raises:
        BankError: A file is missing, cut short or altered, or another schema wrote it.
    """
    manifest = read_manifest(folder)
    return None if manifest is None else read_parts(folder, manifest)


def read_parts(folder: Path, manifest: Manifest) -> Stored:
    """Read what a manifest promises, and hold it to its digests.

    Raises:
        BankError: As ``read``.
    """
    while True:
        try:
            return _read_content(folder, manifest)
        except FileNotFoundError as error:
            # A writer may have replaced manifest and parts between the two reads.
            now = read_manifest(folder)
            if now is None or now == manifest:
                missing = Path(str(error.filename)).name
                raise damaged(folder, f"{missing!r} is missing") from error
            manifest = now
        except OSError as error:
            raise BankError(f"cannot read the bank {str(folder)!r}: {error.strerror}") from error


def _read_content(folder: Path, manifest: Manifest) -> Stored:
    texts: list[str] = []
    matrices: list[Tensor] = []
    for part in manifest.parts:
        some = json.loads(read_named(folder, "texts", part.texts, "json"))
        rows = map_tensors(folder, "vectors", part.vectors).get("embeddings", torch.zeros(0, 0))
        if len(some) != part.count or rows.shape != (part.count, manifest.dim):
            raise damaged(
                folder,
                f"a part of {part.count} texts and {manifest.dim} dimensions holds {len(some)} "
                f"texts and vectors of shape {list(rows.shape)}",
            )
        texts += some
        matrices.append(rows)
    for name, values in manifest.columns.items():
        if len(values) != len(texts):
            raise damaged(folder, f"{len(values)} values of {name!r} for {len(texts)} texts")
    digest = manifest.calibration_tensors
    tensors = {} if digest is None else map_tensors(folder, "calibration", digest)
    try:
        calibration = Calibration.restore(manifest.calibration, tensors)
    except SsmError as error:
        raise damaged(folder, f"calibration: {error}") from error
    return Stored(tuple(texts), tuple(matrices), manifest, calibration)
