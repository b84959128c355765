"""Text encoders: the protocol, the kinds, and how one is found by its name."""

from ssm.encoders.choose import PAPER_ENCODER, EncoderChoice, choose_encoder, load_encoder
from ssm.encoders.protocol import TextEncoder, check_texts

__all__ = [
    "PAPER_ENCODER",
    "EncoderChoice",
    "TextEncoder",
    "check_texts",
    "choose_encoder",
    "load_encoder",
]
