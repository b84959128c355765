"""A saved tiny model."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from medfilip_model.checkpoint import LAST, State, save_checkpoint
from medfilip_model.model import MedFILIP


@pytest.fixture
def saved(tiny_model: MedFILIP, tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "run" / LAST, tiny_model, {"seed": 1}, {"epoch": 3})
    return tmp_path / "run"


@pytest.fixture
def same_weights() -> Callable[[MedFILIP, MedFILIP], bool]:
    def same(a: MedFILIP, b: MedFILIP) -> bool:
        pairs = zip(a.state_dict().items(), b.state_dict().items(), strict=True)
        return all(x == y and torch.equal(v, w) for (x, v), (y, w) in pairs)

    return same


@pytest.fixture
def state() -> State:
    return State({"a/0": torch.arange(3.0)}, {"n": [1, None], "a": {"$tensor": "a/0"}})
