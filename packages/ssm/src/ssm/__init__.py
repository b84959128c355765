"""The semantic similarity matrix: soft targets for image-text training from text similarity.

Axis legend, used by every public signature:
    N  owners (images)      M  texts of a batch, each with one owner
    D  embedding            U  unique texts of a bank
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssm.bank import LabelBank
    from ssm.calibration import Calibration, CalibrationMethod, fit_calibration
    from ssm.distributed import GlobalLabels, global_labels, global_targets
    from ssm.encoders import EncoderChoice, TextEncoder, choose_encoder, load_encoder
    from ssm.errors import (
        BankError,
        EncoderError,
        EncoderUnavailableError,
        SsmError,
        UnknownTextError,
    )
    from ssm.losses import itm_loss, soft_cross_entropy, soft_sigmoid
    from ssm.similarity import cosine, normalise
    from ssm.targets import semantic_similarity_matrix

__all__ = [
    "BankError",
    "Calibration",
    "CalibrationMethod",
    "EncoderChoice",
    "EncoderError",
    "EncoderUnavailableError",
    "GlobalLabels",
    "LabelBank",
    "SsmError",
    "TextEncoder",
    "UnknownTextError",
    "choose_encoder",
    "cosine",
    "fit_calibration",
    "global_labels",
    "global_targets",
    "itm_loss",
    "load_encoder",
    "normalise",
    "semantic_similarity_matrix",
    "soft_cross_entropy",
    "soft_sigmoid",
]

_HOMES = {
    "ssm.bank": ("LabelBank",),
    "ssm.calibration": ("Calibration", "CalibrationMethod", "fit_calibration"),
    "ssm.distributed": ("GlobalLabels", "global_labels", "global_targets"),
    "ssm.encoders": ("EncoderChoice", "TextEncoder", "choose_encoder", "load_encoder"),
    "ssm.errors": (
        "BankError",
        "EncoderError",
        "EncoderUnavailableError",
        "SsmError",
        "UnknownTextError",
    ),
    "ssm.losses": ("itm_loss", "soft_cross_entropy", "soft_sigmoid"),
    "ssm.similarity": ("cosine", "normalise"),
    "ssm.targets": ("semantic_similarity_matrix",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name at its first use, so that ``ssm --help`` need not wait for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'ssm' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
