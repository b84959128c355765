"""Checkpoints: safetensors and JSON, replaced as a whole or not at all.

A checkpoint folder holds ``model-<hash>.safetensors``, ``config-<hash>.json``, ``manifest.json``
and, where training can go on from it, ``state-<hash>.safetensors`` and ``state-<hash>.json``; where
its text tower is a BERT-like one, ``text-<hash>/`` with that tower's configuration and tokenizer,
so that no hub is asked for them. Files are named by their content and the manifest, which names
them with their hashes, is replaced last, in one step: a process killed at any moment leaves the
earlier checkpoint or the new one, never half of each. No pickle is ever read.
"""

from medfilip_model.checkpoint.files import write_atomic
from medfilip_model.checkpoint.load import Checkpoint, load_checkpoint, load_model, load_state
from medfilip_model.checkpoint.manifest import BEST, LAST, MANIFEST
from medfilip_model.checkpoint.save import (
    State,
    copy_checkpoint,
    remove_checkpoint,
    save_checkpoint,
)

__all__ = [
    "BEST",
    "LAST",
    "MANIFEST",
    "Checkpoint",
    "State",
    "copy_checkpoint",
    "load_checkpoint",
    "load_model",
    "load_state",
    "remove_checkpoint",
    "save_checkpoint",
    "write_atomic",
]
