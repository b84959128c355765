"""Hugging Face encoders: tokens in, one pooled vector a text out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ssm.encoders.batches import in_batches
from ssm.encoders.placement import Device, Dtype, Placement, place
from ssm.encoders.protocol import check_texts, files_digest, fingerprint, require_extra
from ssm.encoders.reading import (
    length_limit,
    read_model,
    reading,
    vocabulary_size,
    weights_digest,
)
from ssm.encoders.tokens import Tokens
from ssm.encoders.workers import Workers
from ssm.errors import EncoderError

Pooling = Literal["mean", "cls"]

_VERSION = 1  # Raise it when encode() would give other numbers for the same weights.
_TEXT_FILES = ("config.json", "tokenizer*", "vocab*", "merges.txt", "special_tokens*", "*.model")


def pool_tokens(
    hidden: Float[Tensor, "M L D"], mask: Int[Tensor, "M L"], pooling: Pooling
) -> Float[Tensor, "M D"]:
    """Pool token vectors: the mean over real tokens (as the paper does), or the first token."""
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask.to(hidden.dtype)[..., None]
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


@dataclass(frozen=True, eq=False)
class TransformerEncoder:
    """A Hugging Face encoder with its tokenizer; built by ``load_transformer``.

    Attributes:
        name: The name that ``load_encoder`` takes.
        dim: D.
        fingerprint: Hash of weights, configuration, tokenizer, pooling, length limit, and of the
            number format where that is not float32.
        pooling: ``"mean"`` over the attention mask, or ``"cls"``.
        max_length: Tokens of a text that are seen; what lies beyond is cut, with a warning.
        placement: Where the model runs and in which number format.
        model: The model; runs where there is one device.
        tokens: The tokenizer.
        workers: The processes that run it where there are several devices.
    """

    name: str
    dim: int
    fingerprint: str
    pooling: Pooling
    max_length: int
    placement: Placement
    model: Any
    tokens: Tokens
    workers: Workers | None = None

    @property
    def device(self) -> torch.device:
        """Where this process's copy of the model is."""
        return self.placement.device

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> Float[Tensor, "M D"]:
        """Encode texts as float32 rows of length 1 on the CPU; see ``TextEncoder.encode``."""
        checked = check_texts(texts)
        if not checked:
            return torch.zeros(0, self.dim)
        ids = self.tokens.ids(checked)
        workers = self.workers

        def forward(rows: list[int]) -> Tensor:
            if workers is None:
                return self._forward([ids[row] for row in rows])
            return workers.vectors([checked[row] for row in rows], batch_size=batch_size)

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

    @torch.no_grad()
    def _forward(self, tokens: list[list[int]]) -> Tensor:
        rows = [torch.tensor(ids) for ids in tokens]
        pad = self.tokens.tokenizer.pad_token_id or 0
        ids = pad_sequence(rows, batch_first=True, padding_value=pad).to(self.device)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        mask = mask.to(self.device)
        hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        # Pooled in float32: a mean of bfloat16 numbers would be rounded at each step.
        return pool_tokens(hidden.float(), mask, self.pooling)


def load_transformer(
    name: str,
    folder: Path,
    *,
    pooling: Pooling = "mean",
    max_length: int | None = None,
    device: Device | None = None,
    dtype: Dtype = "auto",
    devices: Sequence[Device] | None = None,
) -> TransformerEncoder:
    """Load an encoder from a folder; no network, no code but the libraries' own.

    Args:
        name: The encoder's name.
        folder: Holds config.json, weights and tokenizer.
        pooling: How token vectors become one.
        max_length: Tokens seen of a text; by default what tokenizer and model allow.
        device: By default CUDA where there is one, else the CPU.
        dtype: Format of the weights; ``"auto"`` is bfloat16 on CUDA that has it, else float32.
        devices: Several devices in place of ``device``, each with a process of its own.

    Raises:
        EncoderError: The files hold no text encoder, or not all of its weights.
        EncoderUnavailableError: A package that it needs is not installed.
    """
    if pooling not in get_args(Pooling):
        raise EncoderError(f"encoder {name!r}: unknown pooling {pooling!r}, use 'mean' or 'cls'")
    placement = place(name, device, dtype=dtype, devices=devices)
    model, tokenizer = read_model(name, folder)
    limit = length_limit(model, tokenizer)
    limit = limit if max_length is None else min(limit, max_length)
    mark = fingerprint(
        kind="transformer",
        version=_VERSION,
        weights=weights_digest(model),
        files=files_digest(folder, _TEXT_FILES),
        pooling=pooling,
        max_length=limit,
        **placement.parts,
    )
    workers = None
    if len(placement.devices) > 1:
        require_extra(name, "sentence_transformers", "st")

        def build() -> Any:  # noqa: ANN401 - the package is optional
            return _as_modules(name, folder, placement, pooling, limit)

        workers = Workers(name, placement.devices, build)
    placement.cast(model)
    return TransformerEncoder(
        name=name,
        dim=model.config.hidden_size,
        fingerprint=mark,
        pooling=pooling,
        max_length=limit,
        placement=placement,
        model=model.to(placement.device),
        tokens=Tokens(name, tokenizer, limit, vocabulary_size(model)),
        workers=workers,
    )


def _as_modules(name: str, folder: Path, placement: Placement, pooling: Pooling, limit: int) -> Any:  # noqa: ANN401 - the package is optional
    """The same model as modules of sentence-transformers, for its pool of processes."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling as PoolingModule
    from sentence_transformers.sentence_transformer.modules import Transformer

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    with reading(name):
        transformer = Transformer(
            str(folder),
            max_seq_length=limit,
            model_kwargs={**options, "dtype": torch.float32},
            processor_kwargs=dict(options),
            config_kwargs=dict(options),
        )
        placement.cast(transformer)
        dim = transformer.get_embedding_dimension()
        return SentenceTransformer(modules=[transformer, PoolingModule(dim, pooling)], device="cpu")
