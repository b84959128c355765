"""LabelBank: the unique texts of a training set, encoded once; targets without an encoder."""

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ssm import store
from ssm.encoders import TextEncoder, check_texts
from ssm.errors import BankError, SsmError, UnknownTextError, shorten
from ssm.similarity import Calibration
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
        embeddings: One row of length 1 for each.
        encoder_name: The encoder's name.
        fingerprint: The encoder's fingerprint; record it with what you train.
    """

    texts: tuple[str, ...]
    embeddings: Float[Tensor, "U D"]
    encoder_name: str
    fingerprint: str

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        encoder: TextEncoder,
        cache_dir: Path | None = None,
        *,
        batch_size: int = 64,
        progress: bool = False,
    ) -> "LabelBank":
        """Encode each distinct text once, now or in an earlier build, and keep the result on disk.

        The cache has one folder for each encoder fingerprint and grows: texts that are there are
        read, the others are encoded and added. Safe when two processes build at once, and when one
        is killed.

        Args:
            texts: Any number of texts, repeated or not; the bank holds these alone.
            encoder: Who encodes.
            cache_dir: Root of the cache; by default ``default_cache()``.
            batch_size: Texts the encoder takes at a time.
            progress: Show a progress bar on a terminal's stderr.

        Raises:
            BankError: The cache is damaged (it is never repaired in silence: delete the folder
                that the message names), cannot be written, or the encoder misbehaves.
            EncoderError: A text is empty or no text.
        """
        folder = (cache_dir or default_cache()) / encoder.fingerprint[:32]
        unique = tuple(dict.fromkeys(check_texts(texts)))
        stored = store.extend(folder, unique, encoder, batch_size=batch_size, progress=progress)
        rows = {text: row for row, text in enumerate(stored.texts)}
        chosen = torch.tensor([rows[text] for text in unique], dtype=torch.long)
        return cls(unique, stored.embeddings[chosen], encoder.name, encoder.fingerprint)

    @classmethod
    def load(cls, folder: Path) -> "LabelBank":
        """Load a bank that ``save`` or ``ssm encode`` wrote, after verifying it.

        Raises:
            BankError: There is none, or it is damaged.
        """
        stored = store.read(folder)
        if stored is None:
            raise BankError(f"there is no bank in {str(folder)!r}: make one with 'ssm encode'")
        return cls(stored.texts, stored.embeddings, stored.encoder_name, stored.fingerprint)

    def save(self, folder: Path) -> None:
        """Write the bank to a folder of its own, replacing a bank that is there.

        Raises:
            BankError: The folder cannot be written.
        """
        with store.locked(folder):
            store.write(
                folder,
                store.Stored(self.texts, self.embeddings, self.encoder_name, self.fingerprint),
            )

    def __len__(self) -> int:
        return len(self.texts)

    def to(self, device: str | torch.device) -> "LabelBank":
        """The same bank with its vectors on another device."""
        return replace(self, embeddings=self.embeddings.to(device))

    def index(self, texts: Sequence[str]) -> Int[Tensor, " M"]:
        """Row of each text in ``embeddings``, on the CPU: cheap to keep in a data set.

        Raises:
            UnknownTextError: A text is not in the bank; names it and its nearest ones.
        """
        if isinstance(texts, str):
            raise UnknownTextError(f"expected a sequence of texts, got one: {shorten(texts)}")
        try:
            return torch.tensor([self._rows[text] for text in texts], dtype=torch.long)
        except KeyError as error:
            raise UnknownTextError(self._unknown(error.args[0])) from error

    def targets(
        self,
        index: Int[Tensor, " M"],
        owner: Int[Tensor, " M"],
        *,
        n_owners: int | None = None,
        group: Int[Tensor, " M"] | None = None,
        pool: Pool = "max",
        calibration: Calibration | None = None,
    ) -> Float[Tensor, "N M"]:
        """Soft targets of a batch: gather, matmul, segment max. No encoder runs.

        Args:
            index: Rows of the batch's texts, from ``index``; repeated ones are fine.
            owner: Image of each text, in 0 … N−1.
            n_owners: N; by default the highest owner + 1.
            group: Category of each text, for the same-category mask.
            pool: How an image's texts are pooled.
            calibration: Map of the similarities, from ``fit_calibration(bank.embeddings, …)``.

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
        return pool_by_owner(
            self.embeddings[index.to(device)],
            owner.to(device),
            group=None if group is None else group.to(device),
            n_owners=n_owners,
            pool=pool,
            calibration=calibration,
        )

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {text: row for row, text in enumerate(self.texts)}

    def _unknown(self, text: object) -> str:
        message = f"text {shorten(str(text))} is not in the bank of {len(self)} texts"
        near = difflib.get_close_matches(str(text), self.texts, n=2)
        hint = f"; near ones: {', '.join(map(shorten, near))}" if near else ""
        return f"{message}{hint}; build the bank with all texts of the data set"
