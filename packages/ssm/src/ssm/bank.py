"""LabelBank: the unique texts of a training set, encoded once; targets without an encoder."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ssm import store
from ssm.calibration import Calibration, CalibrationMethod, fit_calibration
from ssm.encoders import TextEncoder, check_texts
from ssm.errors import BankError, SsmError, UnknownTextError, shorten
from ssm.near import near_texts
from ssm.targets import Pool, pool_by_owner


def default_cache() -> Path:
    """Where banks are kept: ``$MEDFILIP_CACHE/ssm``, or ``medfilip/ssm`` in the user's cache."""
    from platformdirs import user_cache_path

    root = os.environ.get("MEDFILIP_CACHE")
    return (Path(root) if root else user_cache_path("medfilip", appauthor=False)) / "ssm"


@dataclass(frozen=True, eq=False)
class LabelBank:
    """Unique texts with their vectors, and the look-ups that training needs.

    Attributes:
        texts: The unique texts, in the order in which they were first given.
        embeddings: One row of length 1 for each. Do not write to them.
        encoder_name: The encoder's name.
        fingerprint: The encoder's fingerprint; record it with what you train.
        calibration: What ``targets`` does to similarities unless told otherwise.
        columns: Further values of the texts, by column, in the order of the texts.

    Raises:
        SsmError: Vectors or a column do not have one entry for each text.
    """

    texts: tuple[str, ...]
    embeddings: Float[Tensor, "U D"]
    encoder_name: str
    fingerprint: str
    calibration: Calibration = field(default_factory=Calibration)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = {"embeddings": len(self.embeddings)}
        sizes |= {f"column {name!r}": len(values) for name, values in self.columns.items()}
        for name, size in sizes.items():
            if size != len(self.texts):
                raise SsmError(f"a bank of {len(self.texts)} texts got {name} of length {size}")

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        encoder: TextEncoder,
        cache_dir: Path | None = None,
        *,
        batch_size: int = 64,
        progress: bool = False,
        rebuild: bool = False,
    ) -> "LabelBank":
        """Encode each distinct text once, now or in an earlier build, and keep the result on disk.

        The cache has one folder for each encoder fingerprint and grows: texts that are there are
        read, the others are encoded and added. Safe when several processes build at once, and when
        one is killed.

        What an earlier build encoded is mapped from the disk, not copied into memory, where the
        texts stand in the cache in this order and in one part: where the cache was built from these
        texts, or from these and then others. Else the vectors of this bank are copied.

        Args:
            texts: Any number of texts, repeated or not; the bank holds these alone.
            encoder: Who encodes.
            cache_dir: Root of the cache; by default ``default_cache()``.
            batch_size: Texts the encoder takes at a time.
            progress: Show a progress bar on a terminal's stderr.
            rebuild: Forget the encoder's folder, damaged or not, and encode all these texts anew.
                Each call does so: of several processes let one.

        Raises:
            BankError: The cache is damaged (it is rebuilt only when asked, by ``rebuild``), cannot
                be written, or the encoder misbehaves.
            EncoderError: A text is empty or no text.
        """
        folder = (cache_dir or default_cache()) / encoder.fingerprint[:32]
        unique = tuple(dict.fromkeys(check_texts(texts)))
        stored = store.extend(
            folder, unique, encoder, batch_size=batch_size, progress=progress, rebuild=rebuild
        )
        return cls(unique, stored.gather(unique), encoder.name, encoder.fingerprint)

    @classmethod
    def load(cls, folder: Path) -> "LabelBank":
        """Load a bank that ``save`` or ``ssm encode`` wrote, after verifying all of it.

        The vectors of a bank in one part, as ``save`` writes it, are mapped from the disk: they
        take up memory that the system may take back, shared by all processes that load them.
        Those of several parts, as texts that were added later make, are copied into one matrix.

        Raises:
            BankError: There is none, it is damaged, or another schema wrote it.
        """
        stored = store.read(folder)
        if stored is None:
            raise BankError(f"there is no bank in {str(folder)!r}: make one with 'ssm encode'")
        manifest = stored.manifest
        return cls(
            stored.texts,
            stored.embeddings,
            manifest.encoder,
            manifest.fingerprint,
            stored.calibration,
            manifest.columns,
        )

    def save(self, folder: Path) -> None:
        """Write the bank, calibration and columns included, in place of a bank that is there.

        Raises:
            BankError: The folder cannot be written, or a vector is not of length 1.
        """
        store.write(
            folder,
            self.texts,
            self.embeddings,
            encoder=self.encoder_name,
            fingerprint=self.fingerprint,
            calibration=self.calibration,
            columns=self.columns,
        )

    def calibrate(self, method: CalibrationMethod, *, share: float = 0.8) -> "LabelBank":
        """The same bank with a calibration fitted on its vectors; see ``fit_calibration``.

        Raises:
            SsmError: The method or the share is not allowed, or fewer than two texts differ.
        """
        return replace(self, calibration=fit_calibration(self.embeddings, method, share=share))

    def __len__(self) -> int:
        return len(self.texts)

    def to(self, device: str | torch.device) -> "LabelBank":
        """The same bank with its vectors, and its calibration, on another device."""
        return replace(
            self,
            embeddings=self.embeddings.to(device),
            calibration=self.calibration.to(device),
        )

    @cached_property
    def rows(self) -> Float[Tensor, "U E"]:
        """The vectors as the calibration moves them: what ``targets`` gathers from.

        ``embeddings`` themselves where it moves none (no copy); else made once and kept in memory.
        """
        return self.calibration.rows(self.embeddings)

    def index(self, texts: Sequence[str]) -> Int[Tensor, " M"]:
        """Row of each text in ``embeddings``, on the CPU: cheap to keep in a data set.

        Raises:
            UnknownTextError: A text is not in the bank; names it and its nearest ones.
        """
        if isinstance(texts, str):
            raise UnknownTextError(f"expected a sequence of texts, got one: {shorten(texts)}")
        count = len(texts)
        try:
            found = np.fromiter(map(self._places.__getitem__, texts), np.int64, count)
        except KeyError as error:
            raise UnknownTextError(self._unknown(error.args[0])) from error
        except TypeError as error:
            raise UnknownTextError(f"a text is a string: {error}") from error
        return torch.from_numpy(found)

    def targets(
        self,
        index: Int[Tensor, " M"],
        owner: Int[Tensor, " M"],
        *,
        n_owners: int | None = None,
        group: Int[Tensor, " M"] | None = None,
        pool: Pool = "max",
        temperature: float = 0.1,
        calibration: Calibration | None = None,
    ) -> Float[Tensor, "N M"]:
        """Soft targets of a batch: gather, matmul, segment max. No encoder runs.

        Args:
            index: Rows of the batch's texts, from ``index``; repeated ones are fine.
            owner: Image of each text, in 0 … N−1.
            n_owners: N; by default the highest owner + 1.
            group: Category of each text, for the same-category mask.
            pool: How an image's texts are pooled; see ``semantic_similarity_matrix``.
            temperature: Of the pool ``"softmax"``.
            calibration: Another than the bank's own; ``Calibration()`` is none. One that moves
                vectors moves those of each batch anew: ``calibrate`` does so once.

        Returns:
            S of ``semantic_similarity_matrix``, on the bank's device.

        Raises:
            SsmError: A row or an owner is out of range, or shapes and types do not fit.
        """
        device = self.embeddings.device
        if index.numel():
            low, high = torch.stack(torch.aminmax(index)).tolist()
            if low < 0 or high >= len(self):
                worst = low if low < 0 else high
                raise SsmError(f"index {worst} is out of range: the bank has {len(self)} texts")
        rows, calibration = self.select(index, calibration)
        return pool_by_owner(
            rows,
            owner.to(device),
            group=None if group is None else group.to(device),
            n_owners=n_owners,
            pool=pool,
            temperature=temperature,
            calibration=calibration,
        )

    def select(
        self, index: Int[Tensor, " M"], calibration: Calibration | None = None
    ) -> tuple[Float[Tensor, "M E"], Calibration]:
        """The calibrated rows of a batch's texts, and the calibration that is left to apply to K.

        Args:
            index: Rows of ``embeddings``, not checked.
            calibration: Another than the bank's own.
        """
        chosen = index.to(self.embeddings.device)
        if calibration is None:
            return self.rows[chosen], self.calibration
        calibration = calibration.to(self.embeddings.device)
        return calibration.rows(self.embeddings[chosen]), calibration

    @cached_property
    def _places(self) -> dict[str, int]:
        return {text: row for row, text in enumerate(self.texts)}

    def _unknown(self, text: object) -> str:
        if not isinstance(text, str):
            return f"a text is a string, got {text!r}"
        near = ", ".join(map(shorten, near_texts(text, self.texts)))
        hint = f"; near ones: {near}" if near else ""
        return (
            f"text {shorten(text)} is not in the bank of {len(self)} texts{hint}; build the bank "
            "with all texts of the data set"
        )
