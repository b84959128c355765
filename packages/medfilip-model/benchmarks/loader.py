"""Whether data loading hides behind training: the loader alone against the training step.

    uv run python packages/medfilip-model/benchmarks/loader.py [--images 256] [--seconds 2]

Phantoms are prepared as JPEGs of 448 pixels in Arrow shards. The loader alone reads, decodes and
collates them with 1 and 2 worker processes, at 448 pixels and scaled to the 96 of the phantom
recipe. Beside it stands the rate of training steps (forward, backward, update) on one batch that
is in memory already: of the phantom recipe's towers at 96 pixels and of a ResNet-50 with CLIP's
text transformer at 448, on CUDA where it is there. The two take turns, and the best of three turns
counts, so that a busy machine slows both alike. The loader is to be 1.5 times as fast at least.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from iki_knowledge import load_knowledge
from medfilip_model import recipes
from medfilip_model.builders import BuildOptions, build_phantoms
from medfilip_model.config import ImageTowerConfig, TextTowerConfig, TrainConfig
from medfilip_model.data import Batch, EpochLoader
from medfilip_model.data.transforms import standardise
from medfilip_model.loss import batch_loss
from medfilip_model.model import MedFILIP
from medfilip_model.optim import make_optimiser
from medfilip_model.prepare import Prepared, prepare
from medfilip_model.progress import Silent

REQUIRED = 1.5


@dataclass(frozen=True)
class Case:
    """Towers that are trained, and the data that they read."""

    name: str
    config: TrainConfig


def cases(folder: Path) -> list[Case]:
    """The phantom recipe's towers, and the paper's sizes with random weights."""
    small = recipes.phantom().replace(data__folder=folder, targets__encoder="lexical")
    image = ImageTowerConfig(name="resnet50")
    text = TextTowerConfig(width=512, heads=8, layers=12, context=77)
    large = small.replace(
        batch=32 if torch.cuda.is_available() else 4,
        model__size=448,
        model__embed=768,
        model__image=image.model_dump(),
        model__text=text.model_dump(),
    )
    return [
        Case("phantom recipe, 96 px", small),
        Case("ResNet-50, 448 px", large),
    ]


@dataclass
class Loading:
    """The loader alone, with its workers running."""

    loader: EpochLoader
    epoch: int = 0

    @classmethod
    def start(cls, config: TrainConfig, data: Prepared, workers: int) -> "Loading":
        """Start the workers, and read the files into the system's cache."""
        loader = EpochLoader(
            data.images, data.texts, data.train, batch=config.batch, seed=0, workers=workers
        )
        list(loader.epoch(0))
        return cls(loader)

    def rate(self, seconds: float) -> float:
        """Images a second over whole epochs."""
        seen, begin = 0, time.perf_counter()
        while not seen or time.perf_counter() - begin < seconds:
            self.epoch += 1
            seen += sum(len(batch.images) for batch in self.loader.epoch(self.epoch))
        return seen / (time.perf_counter() - begin)


@dataclass(frozen=True)
class Stepping:
    """Training steps on one batch in memory."""

    step: Callable[[], None]
    images: int

    @classmethod
    def start(cls, config: TrainConfig, data: Prepared) -> "Stepping":
        """Make towers and optimiser, and take a step that warms up."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(0)
        model = MedFILIP(data.model).to(device, memory_format=torch.channels_last)
        optimiser = make_optimiser(model, config.optim)
        targets = data.targets.to(device)
        loader = EpochLoader(data.images, data.texts, data.train, batch=config.batch, seed=0)
        batch = Batch(*(x if x is None else x.to(device) for x in next(loader.epoch(0))))
        pixels = standardise(batch.images).to(memory_format=torch.channels_last)

        def step() -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                loss = batch_loss(model, pixels, batch, targets)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            float(loss.detach())  # waits for a GPU

        step()
        return cls(step, len(batch.images))

    def rate(self, seconds: float) -> float:
        """Images a second."""
        calls, begin = 0, time.perf_counter()
        while not calls or time.perf_counter() - begin < seconds:
            self.step()
            calls += 1
        return calls * self.images / (time.perf_counter() - begin)


def main() -> None:
    """Parse the command line, prepare phantoms, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=256, help="phantoms to prepare")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn")
    arguments = parser.parse_args()
    kb = load_knowledge()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, {device}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "phantoms"
        build_phantoms(arguments.images, folder, kb, options=BuildOptions(size=448, workers=2))
        print(f"{'':<32} {'loader':>9} {'step':>9} {'ratio':>7}   required {REQUIRED}")
        for case in cases(folder):
            data = prepare(case.config, kb, Silent())
            stepping = Stepping.start(case.config, data)
            for workers in (1, 2):
                loading = Loading.start(case.config, data, workers)
                turns = [
                    (loading.rate(arguments.seconds), stepping.rate(arguments.seconds))
                    for _ in range(3)
                ]
                loading.loader.close()
                loads, steps = (max(column) for column in zip(*turns, strict=True))
                name = f"{case.name}, {workers} worker{'s' * (workers > 1)}"
                print(f"{name:<32} {loads:>7.0f}/s {steps:>7.2f}/s {loads / steps:>7.1f}")


if __name__ == "__main__":
    main()
