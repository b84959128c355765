"""Scores of single images, kept beside a result so that two models can be compared in pairs."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from medfilip_bench.errors import ResultError
from medfilip_bench.files import write_atomic


@dataclass(frozen=True)
class Predictions:
    """Labels and scores of the judged images, image by image.

    Attributes:
        ids: Image ids, [N].
        patients: Whose each is, [N].
        classes: Row ids of the record, [C].
        labels: 1 present, 0 absent, NaN not known, [N, C].
        scores: Higher means more likely, [N, C].
        predicted: Class that was chosen, of single-label tasks, [N]; None elsewhere.
    """

    ids: Sequence[str]
    patients: Sequence[str]
    classes: Sequence[str]
    labels: Float[np.ndarray, "N C"]
    scores: Float[np.ndarray, "N C"]
    predicted: Int[np.ndarray, " N"] | None = None

    def write(self, path: Path) -> None:
        """Write them as .npz without pickle, atomically."""
        arrays: dict[str, np.ndarray] = {
            "ids": np.array(self.ids, dtype=np.str_),
            "patients": np.array(self.patients, dtype=np.str_),
            "classes": np.array(self.classes, dtype=np.str_),
            "labels": self.labels.astype(np.float32),
            "scores": self.scores.astype(np.float64),
        }
        if self.predicted is not None:
            arrays["predicted"] = self.predicted.astype(np.int64)
        stream = io.BytesIO()
        np.savez_compressed(stream, allow_pickle=False, **arrays)
        write_atomic(path, stream.getvalue())

    @classmethod
    def read(cls, path: Path) -> "Predictions":
        """Read them.

        Raises:
            ResultError: If the file is missing or is none.
        """
        try:
            with np.load(path, allow_pickle=False) as held:
                return cls(
                    ids=held["ids"].tolist(),
                    patients=held["patients"].tolist(),
                    classes=held["classes"].tolist(),
                    labels=held["labels"].astype(np.float64),
                    scores=held["scores"],
                    predicted=held.get("predicted"),
                )
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise ResultError(
                f"cannot read predictions {str(path)!r}: {error}; run the task again"
            ) from error
