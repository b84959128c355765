"""Runs that are compared byte by byte, and a listener that interrupts them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from medfilip_model.checkpoint import LAST
from medfilip_model.config import ImageTowerConfig, ModelConfig, TrainConfig
from medfilip_model.progress import Silent


def _weights(run: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(next((run / LAST).glob("model-*.safetensors")))


def _equal(a: Path, b: Path) -> bool:
    """Whether two runs ended with the same bytes."""
    one, two = (next((run / LAST).glob("model-*.safetensors")).read_bytes() for run in (a, b))
    return one == two


class Notes(Silent):
    """Keeps what was said, and calls `at` when that many batches are done."""

    def __init__(self, at: dict[int, Callable[[], object]] | None = None) -> None:
        self.lines: list[str] = []
        self.done = 0
        self.at = at or {}

    def note(self, text: str) -> None:
        self.lines.append(text)

    def advance(self, steps: int) -> None:
        self.done += 1
        if self.done in self.at:
            self.at[self.done]()


@pytest.fixture(scope="session")
def weights() -> Callable[[Path], dict[str, torch.Tensor]]:
    return _weights


@pytest.fixture(scope="session")
def equal() -> Callable[[Path, Path], bool]:
    return _equal


@pytest.fixture(scope="session")
def listen() -> type[Notes]:
    return Notes


@pytest.fixture
def small(tiny_config: TrainConfig) -> TrainConfig:
    """4 steps an epoch, no trackers; each further setting costs time."""
    return tiny_config.replace(trackers=(), data__augment=True)


@pytest.fixture(scope="session")
def layered_model_config(tiny_model_config: ModelConfig) -> ModelConfig:
    """Layer normalisation only: a part of a batch is treated as within the whole."""
    return tiny_model_config.model_copy(update={"image": ImageTowerConfig(name="test_convnext")})
