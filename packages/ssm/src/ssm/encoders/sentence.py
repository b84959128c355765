"""sentence-transformers models, with whatever pooling and projection they bring."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ssm.encoders.batches import in_batches
from ssm.encoders.placement import Device, Dtype, place
from ssm.encoders.protocol import check_texts, files_digest, fingerprint, require_extra
from ssm.encoders.reading import (
    other_kind,
    reading,
    refuse_own_code,
    vocabulary_size,
    weights_digest,
)
from ssm.encoders.tokens import Tokens
from ssm.encoders.workers import Workers
from ssm.errors import EncoderError

_VERSION = 1  # Raise it when encode() would give other numbers for the same weights.
_NO_LIMIT = 10**6
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
    """A sentence-transformers model; built by ``load_sentence``.

    Attributes:
        name: The name that ``load_encoder`` takes.
        dim: D.
        fingerprint: Hash of weights, modules, tokenizer, and of the number format where that is
            not float32.
        model: The model; runs where there is one device.
        tokens: Its tokenizer, to see what is cut; None for models that have another kind.
        workers: The processes that run it where there are several devices.
    """

    name: str
    dim: int
    fingerprint: str
    model: Any
    tokens: Tokens | None
    workers: Workers | None = None

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> Float[Tensor, "M D"]:
        """Encode texts as float32 rows of length 1 on the CPU; see ``TextEncoder.encode``."""
        checked = check_texts(texts)
        if not checked:
            return torch.zeros(0, self.dim)
        ids = checked if self.tokens is None else self.tokens.ids(checked)
        workers = self.workers

        def forward(rows: list[int]) -> Tensor:
            some = [checked[row] for row in rows]
            if workers is not None:
                return workers.vectors(some, batch_size=batch_size)
            return self.model.encode(
                some, batch_size=batch_size, show_progress_bar=False, convert_to_tensor=True
            )

        return in_batches(
            self.name,
            [len(each) for each in ids],
            self.dim,
            forward,
            batch_size=batch_size,
            at_once=1 if workers is None else workers.at_once,
            progress=progress,
        )

    def close(self) -> None:
        """Stop the processes of several devices; a later ``encode`` starts them anew."""
        if self.workers is not None:
            self.workers.close()


def load_sentence(
    name: str,
    folder: Path,
    *,
    device: Device | None = None,
    dtype: Dtype = "auto",
    devices: Sequence[Device] | None = None,
) -> SentenceEncoder:
    """Load a sentence-transformers model from a folder; no network, no code but the libraries' own.

    Args:
        name: The encoder's name.
        folder: Holds the model.
        device: By default CUDA where there is one, else the CPU.
        dtype: Format of the weights; ``"auto"`` is bfloat16 on CUDA that has it, else float32.
        devices: Several devices in place of ``device``, each with a process of its own.

    Raises:
        EncoderError: The folder holds no such model, or not all of its weights.
        EncoderUnavailableError: A package that it needs is not installed.
    """
    require_extra(name, "sentence_transformers", "st")
    from sentence_transformers import SentenceTransformer

    placement = place(name, device, dtype=dtype, devices=devices)
    refuse_own_code(name, folder)
    with reading(name):
        model = SentenceTransformer(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            # Else a checkpoint in half precision would run in it on the CPU, and be hashed in it.
            model_kwargs={"dtype": torch.float32},
        )
    transformer = model.transformers_model
    if transformer is not None and transformer.main_input_name != "input_ids":
        raise other_kind(name, transformer.config)
    dim = model.get_embedding_dimension()
    if dim is None:
        raise EncoderError(f"encoder {name!r} does not say how long its vectors are")
    mark = fingerprint(
        kind="sentence",
        version=_VERSION,
        weights=weights_digest(model),
        files=files_digest(folder, _TEXT_FILES),
        **placement.parts,
    )
    placement.cast(model)
    several = len(placement.devices) > 1
    return SentenceEncoder(
        name=name,
        dim=dim,
        fingerprint=mark,
        model=model.to(placement.device).eval(),
        tokens=_tokens(name, model),
        workers=Workers(name, placement.devices, lambda: model) if several else None,
    )


def _tokens(name: str, model: Any) -> Tokens | None:  # noqa: ANN401 - the package is optional
    """The tokenizer and limit of a model's transformer; word-vector models have neither."""
    transformer = model.transformers_model
    if transformer is None or not model.max_seq_length:
        return None
    # A limit that no tokenizer states is astronomic, more than its own code can count to.
    limit = min(int(model.max_seq_length), _NO_LIMIT)
    return Tokens(name, model.tokenizer, limit, vocabulary_size(transformer))
