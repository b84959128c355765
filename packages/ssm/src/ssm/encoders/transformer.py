"""Hugging Face encoders: tokens in, one pooled vector a text out."""

import contextlib
import hashlib
import logging
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ssm.encoders.progress import progress_bar
from ssm.encoders.protocol import check_texts, files_digest, fingerprint, require_extra
from ssm.errors import EncoderError
from ssm.similarity import normalise

Pooling = Literal["mean", "cls"]

UNREADABLE = (OSError, ValueError, RuntimeError, KeyError, SafetensorError, UnpicklingError)
"""What reading a model's files raises when they are not what they should be."""

_LOG = logging.getLogger("ssm")
_VERSION = 1  # Raise it when encode() would give other numbers for the same weights.
_TEXT_FILES = ("config.json", "tokenizer*", "vocab*", "merges.txt", "special_tokens*", "*.model")
_UNSTATED = 100_000  # Tokenizers without a limit of their own state an astronomic one.


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
        fingerprint: Hash of weights, configuration, tokenizer, pooling and length limit.
        pooling: ``"mean"`` over the attention mask, or ``"cls"``.
        max_length: Tokens of a text that are seen; what lies beyond is cut, with a warning.
        device: Where the model runs.
    """

    name: str
    dim: int
    fingerprint: str
    pooling: Pooling
    max_length: int
    device: torch.device
    model: Any
    tokenizer: Any

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> Float[Tensor, "M D"]:
        """Encode texts as float32 rows of length 1 on the CPU; see ``TextEncoder.encode``."""
        checked = check_texts(texts)
        result = torch.zeros(len(checked), self.dim)
        if not checked:
            return result
        tokens = self._tokenise(checked)
        # Texts of like length share a batch, so that little is padding; the longest come first, so
        # that memory runs out at once or never.
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]), reverse=True)
        with progress_bar(show=progress) as bar:
            task = bar.add_task(f"encode with {self.name}", total=len(order))
            for start in range(0, len(order), batch_size):
                batch = order[start : start + batch_size]
                result[batch] = self._forward([tokens[i] for i in batch])
                bar.advance(task, len(batch))
        return result

    def _tokenise(self, texts: list[str]) -> list[list[int]]:
        tokens: list[list[int]] = self.tokenizer(
            texts, truncation=True, max_length=self.max_length, padding=False
        )["input_ids"]
        full = sum(len(ids) >= self.max_length for ids in tokens)
        if full:
            _LOG.warning(
                "%d of %d texts fill all %d tokens that %s sees: what lies beyond is cut",
                full,
                len(texts),
                self.max_length,
                self.name,
            )
        return tokens

    @torch.no_grad()
    def _forward(self, tokens: list[list[int]]) -> Tensor:
        rows = [torch.tensor(ids) for ids in tokens]
        pad = self.tokenizer.pad_token_id or 0
        ids = pad_sequence(rows, batch_first=True, padding_value=pad).to(self.device)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        mask = mask.to(self.device)
        hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return normalise(pool_tokens(hidden, mask, self.pooling).float()).cpu()


def load_transformer(
    name: str,
    folder: Path,
    *,
    pooling: Pooling = "mean",
    max_length: int | None = None,
    device: str | torch.device | None = None,
) -> TransformerEncoder:
    """Load an encoder from a folder; no network, no remote code, float32.

    Args:
        name: The encoder's name.
        folder: Holds config.json, weights and tokenizer.
        pooling: How token vectors become one.
        max_length: Tokens seen of a text; by default what tokenizer and model allow.
        device: By default CUDA where there is one, else the CPU.

    Raises:
        EncoderError: The files hold no text encoder, or not all of its weights.
        EncoderUnavailableError: The package transformers is not installed.
    """
    if pooling not in get_args(Pooling):
        raise EncoderError(f"encoder {name!r}: unknown pooling {pooling!r}, use 'mean' or 'cls'")
    target = pick_device(name, device)
    model, tokenizer = _read(name, folder)
    limit = _length_limit(model, tokenizer)
    limit = limit if max_length is None else min(limit, max_length)
    return TransformerEncoder(
        name=name,
        dim=model.config.hidden_size,
        fingerprint=fingerprint(
            kind="transformer",
            version=_VERSION,
            weights=weights_digest(model),
            files=files_digest(folder, _TEXT_FILES),
            pooling=pooling,
            max_length=limit,
        ),
        pooling=pooling,
        max_length=limit,
        device=target,
        model=model.to(target),
        tokenizer=tokenizer,
    )


def pick_device(name: str, device: str | torch.device | None) -> torch.device:
    """The device asked for, or CUDA where there is one, else the CPU.

    Raises:
        EncoderError: There is no such device.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        target = torch.device(device)
        torch.zeros(1, device=target)
    except (RuntimeError, AssertionError) as error:
        raise EncoderError(
            f"encoder {name!r}: device {str(device)!r} cannot be used here; use 'cpu', or 'cuda' "
            "on a machine that has it"
        ) from error
    return target


def _read(name: str, folder: Path) -> tuple[Any, Any]:
    require_extra(name, "transformers", "hf")
    from transformers import AutoModel, AutoTokenizer

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet_loading():
            tokenizer = AutoTokenizer.from_pretrained(folder, **options)
            model, info = AutoModel.from_pretrained(
                folder, dtype=torch.float32, output_loading_info=True, **options
            )
    except UNREADABLE as error:
        raise EncoderError(f"encoder {name!r} cannot be read: {error}") from error
    # The pooler is not used, and many checkpoints lack it; anything else missing would be random.
    missing = sorted(key for key in info["missing_keys"] if "pooler." not in key)
    if missing:
        raise EncoderError(
            f"encoder {name!r}: {len(missing)} weights are not in the file, first {missing[0]!r}: "
            "config.json and weights do not belong together"
        )
    if model.config.is_encoder_decoder or not hasattr(model.config, "hidden_size"):
        raise EncoderError(
            f"encoder {name!r}: {type(model).__name__} is no plain text encoder; use a BERT-like "
            "one, or 'st:' for a sentence-transformers model"
        )
    return model.eval(), tokenizer


@contextlib.contextmanager
def quiet_loading() -> Generator[None]:
    """Silence transformers' bars, shown even without a terminal, and its table of unused weights.

    What matters of the table, weights that are missing, is an error of ours.
    """
    from transformers.utils import logging as theirs

    shown, verbosity = theirs.is_progress_bar_enabled(), theirs.get_verbosity()
    theirs.disable_progress_bar()
    theirs.set_verbosity_error()
    try:
        yield
    finally:
        theirs.set_verbosity(verbosity)
        if shown:
            theirs.enable_progress_bar()


def _length_limit(model: Any, tokenizer: Any) -> int:  # noqa: ANN401 - no common type is exported
    positions = int(getattr(model.config, "max_position_embeddings", None) or 512)
    if tokenizer.model_max_length < _UNSTATED:
        return min(int(tokenizer.model_max_length), positions)
    # RoBERTa-like models keep two positions for padding, and do not say so.
    return positions - 2


def weights_digest(model: torch.nn.Module) -> str:
    """Hash the weights that pooled token vectors depend on, whatever file they came from."""
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        if "pooler." in key:
            continue
        digest.update(f"{key} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
