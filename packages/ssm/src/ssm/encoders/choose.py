"""From an encoder's name to the encoder, and the choice when no name is given."""

import difflib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssm.encoders.hub import model_folder
from ssm.encoders.lexical import load_lexical
from ssm.encoders.minilm import load_minilm
from ssm.encoders.placement import Device, Dtype
from ssm.encoders.protocol import TextEncoder, require_extra
from ssm.encoders.sentence import load_sentence
from ssm.encoders.transformer import load_transformer
from ssm.errors import EncoderError, EncoderUnavailableError, shorten

PAPER_ENCODER = "hf:emilyalsentzer/Bio_ClinicalBERT"
"""The encoder of the paper that introduced the matrix."""

_KINDS = ("hf:NAME_OR_FOLDER", "st:NAME_OR_FOLDER", "minilm", "lexical")
# What people type in their place, in small letters.
_ALSO = {"minilm": "minilm", "all-minilm-l6-v2": "minilm", "lexical": "lexical"} | dict.fromkeys(
    ("tfidf", "tf-idf"), "lexical"
)
_LOG = logging.getLogger("ssm")


@dataclass(frozen=True)
class EncoderChoice:
    """The encoder that was chosen when none was named, and why: to be printed and recorded."""

    encoder: TextEncoder
    reason: str

    @property
    def name(self) -> str:
        """Name of the encoder, as ``load_encoder`` takes it."""
        return self.encoder.name


def load_encoder(
    name: str | None = None,
    *,
    prefer: str = PAPER_ENCODER,
    device: Device | None = None,
    dtype: Dtype = "auto",
    devices: Sequence[Device] | None = None,
) -> TextEncoder:
    """Load a text encoder by name; a name is taken at its word and never replaced.

    Args:
        name: One of
            ``hf:NAME_OR_FOLDER``, a Hugging Face encoder with mean pooling (``…#cls`` for the
            first token's vector);
            ``st:NAME_OR_FOLDER``, a sentence-transformers model;
            ``minilm``, the packaged MiniLM weights;
            ``lexical``, shared words and letters, without weights;
            None, for the automatic choice of ``choose_encoder``, which is logged.
        prefer: What the automatic choice tries first.
        device: Where a model runs; by default CUDA where there is one.
        dtype: Format of a model's weights; ``"auto"`` is bfloat16 on CUDA that has it, else
            float32. Vectors come back in float32. bfloat16 has a fingerprint, so a bank, of its
            own.
        devices: Several devices in place of ``device``, each with a process of its own, which
            needs the extra ``st``. The processes start anew from the main script: its work must
            stand under ``if __name__ == "__main__":``.

    Raises:
        EncoderError: The name is unknown, or the files are not right.
        EncoderUnavailableError: The encoder is not on this machine and cannot be fetched.
    """
    if name is None:
        return choose_encoder(prefer=prefer, device=device, dtype=dtype, devices=devices).encoder
    if name == "lexical":
        if dtype == "bfloat16" or (devices is not None and len(devices) > 1):
            raise EncoderError("encoder 'lexical' has no weights: leave out dtype and devices")
        return load_lexical()
    if name == "minilm":
        return load_minilm(device, dtype=dtype, devices=devices)
    kind, _, rest = name.partition(":")
    if kind not in ("hf", "st") or not rest:
        raise EncoderError(_unknown(name))
    require_extra(name, "huggingface_hub", kind)
    if kind == "st":
        folder = model_folder(name, rest)
        return load_sentence(name, folder, device=device, dtype=dtype, devices=devices)
    model, _, pooling = rest.partition("#")
    if pooling not in ("", "mean", "cls"):
        raise EncoderError(f"encoder {name!r}: unknown pooling {pooling!r}, use '#mean' or '#cls'")
    return load_transformer(
        name,
        model_folder(name, model),
        pooling="cls" if pooling == "cls" else "mean",
        device=device,
        dtype=dtype,
        devices=devices,
    )


def choose_encoder(
    *,
    prefer: str = PAPER_ENCODER,
    device: Device | None = None,
    dtype: Dtype = "auto",
    devices: Sequence[Device] | None = None,
) -> EncoderChoice:
    """Choose an encoder when none was named, and say why.

    ``prefer`` is taken when it is in the local hub cache or the hub can be reached (an answer
    within five seconds); otherwise the packaged MiniLM weights. Logged at INFO by ``ssm``. The
    other arguments are those of ``load_encoder``.

    Raises:
        EncoderError: The preferred encoder is here but its files are not right.
        EncoderUnavailableError: Neither can be had.
    """
    try:
        encoder = load_encoder(prefer, device=device, dtype=dtype, devices=devices)
        choice = EncoderChoice(encoder, "the preferred encoder")
    except EncoderUnavailableError as error:
        reason = f"packaged weights, because {str(error).split('. ')[0]}"
        choice = EncoderChoice(load_minilm(device, dtype=dtype, devices=devices), reason)
    _LOG.info("encoder %s: %s", choice.name, choice.reason)
    return choice


def _unknown(name: str) -> str:
    message = f"unknown encoder {shorten(name)}: use one of {', '.join(_KINDS)}"
    kind, _, rest = name.partition(":")
    if rest and kind.lower() in ("hf", "st"):
        near = [f"{kind.lower()}:{rest}"]
    elif ":" not in name and name and ("/" in name or Path(name).is_dir()):
        near = [f"hf:{name}"]
    else:
        known = difflib.get_close_matches(name.lower(), [*_ALSO, "hf:", "st:"], n=2)
        near = list(dict.fromkeys(_ALSO.get(each, each) for each in known))
    return f"{message}; did you mean {' or '.join(map(repr, near))}?" if near else message
