"""Keys under which results are taken over: of what answers, and of files."""

import hashlib
from dataclasses import fields
from pathlib import Path

import numpy as np
from iki_knowledge import KnowledgeBase
from medfilip_model.data.decode import DECODER_VERSION
from medfilip_model.model import MedFILIP
from pydantic import BaseModel

from medfilip_app.loaded import Loaded
from medfilip_app.record import SCHEMA_VERSION


def model_key(loaded: Loaded) -> str:
    """A key of everything of a run that decides its answers, and of the words that go with them.

    Args:
        loaded: The run.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(f"{DECODER_VERSION} {SCHEMA_VERSION}".encode(), digest_size=16)
    for part in fields(loaded):
        value: object = getattr(loaded, part.name)
        digest.update(f"\n{part.name}: ".encode())
        if isinstance(value, MedFILIP):
            digest.update(value.config.model_dump_json().encode())
            for name, tensor in value.state_dict().items():
                digest.update(f"\n{name}: ".encode())
                digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
        elif isinstance(value, KnowledgeBase):
            digest.update(value.version.encode())
        elif isinstance(value, BaseModel):
            digest.update(value.model_dump_json().encode())
        else:
            digest.update(repr(value).encode())
    return digest.hexdigest()


def file_state(path: Path) -> str:
    """What changes when a file does: its size and the time of its last change."""
    try:
        found = path.stat()
    except OSError:
        return "missing"
    return f"{found.st_size} {found.st_mtime_ns}"
