"""Which model it is: a hash that every cache is keyed by, and a name that a folder can have."""

import hashlib
import re

import torch
from torch import nn


def hash_weights(model: nn.Module) -> str:
    """Return the SHA-256 of a model's weights and buffers, however they were stored, as hex."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def slug(name: str) -> str:
    """Return a name that is safe as a folder name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "model"
