"""sentence-transformers models, with whatever pooling and projection they bring."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ssm.encoders.protocol import check_texts, files_digest, fingerprint, require_extra
from ssm.encoders.transformer import UNREADABLE, pick_device, quiet_loading, weights_digest
from ssm.errors import EncoderError
from ssm.similarity import normalise

_VERSION = 1  # Raise it when encode() would give other numbers for the same weights.
_TEXT_FILES = (
    "modules.json",
    "sentence_*_config.json",
    "config.json",
    "[0-9]*/config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "*.model",
)


@dataclass(frozen=True, eq=False)
class SentenceEncoder:
    """A sentence-transformers model; built by ``load_sentence``."""

    name: str
    dim: int
    fingerprint: str
    model: Any

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> Float[Tensor, "M D"]:
        """Encode texts as float32 rows of length 1 on the CPU; see ``TextEncoder.encode``."""
        checked = check_texts(texts)
        if not checked:
            return torch.zeros(0, self.dim)
        with torch.no_grad():
            vectors = self.model.encode(
                checked,
                batch_size=batch_size,
                show_progress_bar=progress and sys.stderr.isatty(),
                convert_to_tensor=True,
            )
        # A clone outside of inference mode: a loss may keep its targets for the backward pass.
        return normalise(vectors.detach().clone().float().cpu())


def load_sentence(
    name: str, folder: Path, *, device: str | torch.device | None = None
) -> SentenceEncoder:
    """Load a sentence-transformers model from a folder; no network, no remote code.

    Raises:
        EncoderError: The folder holds no such model.
        EncoderUnavailableError: The package sentence-transformers is not installed.
    """
    require_extra(name, "sentence_transformers", "st")
    from sentence_transformers import SentenceTransformer

    target = pick_device(name, device)
    try:
        with quiet_loading():
            model = SentenceTransformer(
                str(folder),
                device=str(target),
                local_files_only=True,
                trust_remote_code=False,
            )
    except UNREADABLE as error:
        raise EncoderError(f"encoder {name!r} cannot be read: {error}") from error
    dim = model.get_embedding_dimension()
    if dim is None:
        raise EncoderError(f"encoder {name!r} does not say how long its vectors are")
    return SentenceEncoder(
        name=name,
        dim=dim,
        fingerprint=fingerprint(
            kind="sentence",
            version=_VERSION,
            weights=weights_digest(model),
            files=files_digest(folder, _TEXT_FILES),
        ),
        model=model.eval(),
    )
