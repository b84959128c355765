"""The training loop: config in, run folder out.

Not `train.py`: a submodule of that name would hide the public function `medfilip_model.train`.
"""

import json
import math
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.scheduler import AcceleratedScheduler
from accelerate.state import AcceleratorState
from accelerate.utils import set_seed
from iki_knowledge import KnowledgeBase, load_knowledge
from torch.utils.data import DataLoader

from medfilip_model.checkpoint import LAST, save_checkpoint, write_atomic
from medfilip_model.config import TrainConfig
from medfilip_model.data.collate import Batch, collate
from medfilip_model.data.samples import Skipped
from medfilip_model.data.transforms import jitter, resize, standardise
from medfilip_model.errors import MedfilipError
from medfilip_model.loss import Targets, batch_loss
from medfilip_model.model import MedFILIP
from medfilip_model.optim import make_optimiser, make_schedule
from medfilip_model.prepare import Prepared, prepare
from medfilip_model.progress import Listener, Silent
from medfilip_model.zeroshot import ZeroShotScore, zero_shot


class TrainingError(MedfilipError):
    """Training cannot go on: the loss is no number."""


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images came to.

    Attributes:
        epoch: Counted from 1.
        loss: Mean loss of its batches.
        lr: Learning rate at its end.
        logit_scale: The learned scale at its end.
        images_per_second: Rate of its training steps.
        seconds: Time of its training steps.
        macro_auc: Mean zero-shot AUC of the held-out images over the seen classes; None when
            undefined.
        auc: The same by class.
    """

    epoch: int
    loss: float
    lr: float
    logit_scale: float
    images_per_second: float
    seconds: float
    macro_auc: float | None
    auc: Mapping[str, float | None]


@dataclass(frozen=True)
class TrainResult:
    """A finished run.

    Attributes:
        out: The run folder; `load_model` takes it.
        epochs: One record an epoch, as metrics.jsonl has them.
        encoder: The encoder that made the targets.
        skipped: Files that could not be read.
        seconds: Time from the call to the end.
    """

    out: Path
    epochs: tuple[Epoch, ...]
    encoder: str
    skipped: tuple[Skipped, ...]
    seconds: float

    @property
    def macro_auc(self) -> float | None:
        """Held-out zero-shot macro AUC after the last epoch."""
        return self.epochs[-1].macro_auc


@dataclass(frozen=True)
class Loop:
    """The moving parts of a run; `train_step` works on them.

    Attributes:
        accelerator: Device, precision, gradients.
        model: The dual encoder as prepared by the accelerator.
        optimiser: As prepared.
        schedule: As prepared.
        targets: Soft targets.
        config: The run.
        generator: Randomness of the augmentation.
    """

    accelerator: Accelerator
    model: torch.nn.Module
    optimiser: AcceleratedOptimizer
    schedule: AcceleratedScheduler
    targets: Targets
    config: TrainConfig
    generator: torch.Generator


def train(
    config: TrainConfig, *, kb: KnowledgeBase | None = None, listener: Listener | None = None
) -> TrainResult:
    """Train a model and write its run folder: checkpoint, config.json, metrics.jsonl, TensorBoard.

    An earlier run in the same folder stays whole until this one's first epoch is complete.

    Args:
        config: The run, often from `medfilip_model.recipes`.
        kb: Dictionary; the packaged one by default.
        listener: Hears of progress.

    Returns:
        The scores and where the model is.

    Raises:
        ConfigError, DataError: If the config or its data cannot be used.
        TrainingError: If the loss is no number; the last checkpoint stays.
        SsmError: If the encoder of the targets is not to be had.
    """
    start = time.perf_counter()
    kb, listener = kb or load_knowledge(), listener or Silent()
    set_seed(config.seed)
    # Made first: a tower that does not exist should not cost the time to draw the data.
    model = MedFILIP(config.model)
    data = prepare(config, kb, listener)
    precision = resolve_precision(config.precision)
    with _accelerator(config.out, precision) as accelerator:
        record = {
            "config": config.model_dump(mode="json"),
            "resolved": {
                "encoder": data.encoder,
                "precision": precision,
                "device": str(accelerator.device),
                "knowledge": kb.version,
                "images": data.images.name,
                "train": len(data.train),
                "valid": len(data.valid),
                "skipped": len(data.images.skipped),
                "texts": len(data.texts.texts),
                "classes": list(data.prompts),
                "versions": {name: version(name) for name in ("medfilip-model", "torch", "timm")},
            },
        }
        epochs = fit(config, model, data, accelerator, record, listener)
    return TrainResult(
        out=config.out,
        epochs=epochs,
        encoder=data.encoder,
        skipped=data.images.skipped,
        seconds=time.perf_counter() - start,
    )


def fit(
    config: TrainConfig,
    model: MedFILIP,
    data: Prepared,
    accelerator: Accelerator,
    record: Mapping[str, object],
    listener: Listener,
) -> tuple[Epoch, ...]:
    """Run the epochs; after each, score the held-out images and replace the checkpoint.

    Args:
        config: The run.
        model: With its first weights; trained in place.
        data: Images, texts, targets.
        accelerator: Device and precision.
        record: What config.json says.
        listener: Hears of progress.

    Returns:
        One record an epoch.
    """
    generator = torch.Generator().manual_seed(config.seed)
    loader = DataLoader(
        list(data.train),  # pyright: ignore[reportArgumentType] - a list is a map-style data set
        batch_size=config.batch,
        shuffle=True,
        drop_last=True,
        generator=generator,
        collate_fn=partial(collate, images=data.images, table=data.texts),
    )
    optimiser = make_optimiser(model, config.optim)
    schedule = make_schedule(optimiser, config.optim, epochs=config.epochs, steps=len(loader))
    model.to(memory_format=torch.channels_last)
    wrapped, optimiser, loader, schedule = accelerator.prepare(model, optimiser, loader, schedule)
    loop = Loop(accelerator, wrapped, optimiser, schedule, data.targets, config, generator)
    listener.start("training", config.epochs * len(loader) * config.batch, "images")
    epochs: list[Epoch] = []
    for number in range(1, config.epochs + 1):
        begin = time.perf_counter()
        loss = _run_epoch(loop, loader, number, listener)
        seconds = time.perf_counter() - begin
        score = zero_shot(model, data.images, data.valid, data.prompts)
        epochs.append(
            Epoch(
                epoch=number,
                loss=loss,
                lr=schedule.get_last_lr()[0],
                logit_scale=float(model.logit_scale.detach()),
                images_per_second=len(loader) * config.batch / seconds,
                seconds=seconds,
                macro_auc=score.macro,
                auc=score.auc,
            )
        )
        if accelerator.is_main_process:
            _write(config.out, model, record, epochs)
        accelerator.log(_scalars(epochs[-1]), step=number)
        listener.note(_line(epochs[-1], config.epochs, score))
    return tuple(epochs)


def train_step(loop: Loop, batch: Batch) -> float:
    """One step: standardise, augment, loss, gradient, update.

    Args:
        loop: The moving parts.
        batch: On the loop's device.

    Returns:
        The loss.
    """
    pixels = standardise(resize(batch.images, loop.config.model.size))
    if loop.config.data.augment:
        pixels = jitter(pixels, loop.generator)
    loss = batch_loss(loop.model, pixels, batch, loop.targets)
    loop.accelerator.backward(loss)
    if loop.config.optim.clip is not None:
        loop.accelerator.clip_grad_norm_(loop.model.parameters(), loop.config.optim.clip)
    loop.optimiser.step()
    loop.schedule.step()
    loop.optimiser.zero_grad()
    return float(loss.detach())


def resolve_precision(asked: str) -> str:
    """Turn ``auto`` into ``bf16`` where the machine computes it natively, else ``fp32``.

    Emulated bfloat16 is slower than float32; with the instruction it is about twice as fast.
    """
    if asked != "auto":
        return asked
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    cpu = getattr(torch.cpu, "get_capabilities", dict)()
    return "bf16" if cpu.get("avx512_bf16") or cpu.get("amx_bf16") else "fp32"


def _run_epoch(loop: Loop, loader: DataLoader[Batch], number: int, listener: Listener) -> float:
    loop.model.train()
    total = 0.0
    for step, batch in enumerate(loader, start=1):
        loss = train_step(loop, batch)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss!r} at epoch {number} step {step}: lower the learning rate or "
                "use precision fp32; the last checkpoint is untouched"
            )
        total += loss
        listener.advance(loop.config.batch)
    return total / len(loader)


@contextmanager
def _accelerator(out: Path, precision: str) -> Generator[Accelerator]:
    accelerator = Accelerator(
        mixed_precision="no" if precision == "fp32" else precision,
        log_with="tensorboard",
        project_dir=out,
    )
    accelerator.init_trackers("tensorboard")
    try:
        yield accelerator
    finally:
        accelerator.end_training()
        # accelerate keeps the first run's precision for the whole process; the next run may differ.
        AcceleratorState._reset_state()  # pyright: ignore[reportPrivateUsage] - see above


def _write(out: Path, model: MedFILIP, record: Mapping[str, object], epochs: list[Epoch]) -> None:
    """Replace the checkpoint, then the files that describe it."""
    rows = [asdict(epoch) for epoch in epochs]
    save_checkpoint(out / LAST, model, record, {"epoch": len(epochs), "metrics": rows[-1]})
    lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
    write_atomic(out / "metrics.jsonl", lines.encode())
    write_atomic(out / "config.json", (json.dumps(record, indent=2) + "\n").encode())


def _scalars(epoch: Epoch) -> dict[str, float]:
    named = {"loss": epoch.loss, "lr": epoch.lr, "logit_scale": epoch.logit_scale}
    named["images_per_second"] = epoch.images_per_second
    by_class = {f"auc/{name}": value for name, value in epoch.auc.items() if value is not None}
    macro = {} if epoch.macro_auc is None else {"macro_auc": epoch.macro_auc}
    return {**named, **macro, **by_class}


def _line(epoch: Epoch, epochs: int, score: ZeroShotScore) -> str:
    macro = "undefined" if score.macro is None else f"{score.macro:.3f}"
    return (
        f"epoch {epoch.epoch}/{epochs}  loss {epoch.loss:.4f}  "
        f"zero-shot macro AUC {macro}  {epoch.images_per_second:.0f} images/s"
    )
