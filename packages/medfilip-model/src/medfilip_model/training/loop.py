"""Epochs of a run: steps, held-out score, checkpoints, and the ways to stop before the last one."""

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from accelerate.utils import broadcast_object_list
from torch import Tensor

from medfilip_model.calibration import Calibration, fit_calibration
from medfilip_model.data.collate import Batch
from medfilip_model.data.loader import epoch_order
from medfilip_model.data.transforms import jitter, resize, standardise
from medfilip_model.model import MedFILIP
from medfilip_model.progress import Listener
from medfilip_model.training.forward import split
from medfilip_model.training.gather import ranks
from medfilip_model.training.moving import Moving
from medfilip_model.training.objective import gather_batch, loss_of
from medfilip_model.training.records import Epoch, Preempted
from medfilip_model.training.saving import Saver, whole_model
from medfilip_model.training.signals import StopSignals
from medfilip_model.training.state import Progress
from medfilip_model.training.step import backward
from medfilip_model.training.watch import LossWatch
from medfilip_model.zeroshot import ZeroShotScore, embed_rows, score

# What a rank may ask of all of them, as bits.
STOP, SAVE = 1, 2
# Keeps the stream of the augmentation apart from those of the loader.
_AUGMENT = 2


def fit(
    moving: Moving, progress: Progress, record: Mapping[str, object], listener: Listener
) -> tuple[Epoch, ...]:
    """Run the epochs that are left; after each, score the held-out images and save.

    Args:
        moving: The parts of the run, at the state that `progress` tells.
        progress: Where to begin.
        record: What config.json says.
        listener: Hears of progress.

    Returns:
        One record an epoch, those before an interruption included.

    Raises:
        TrainingError: If the loss or a weight is no number; the last checkpoint stays.
        CheckpointError: If a checkpoint cannot be written; the last one stays.
        Preempted: If a signal asked to stop; the run is saved.
    """
    config, steps = moving.config, len(moving.loader)
    saver = Saver(moving, record)
    left = (config.epochs - len(progress.epochs)) * steps - progress.step
    listener.start("training", left * config.batch, "images")
    with StopSignals() as signals:
        while not progress.finished:
            progress = _run_epoch(moving, progress, saver, signals, listener)
            progress = _close_epoch(moving, progress, saver, listener)
            if signals.received and not progress.finished:
                _stop(progress, signals, listener)
    return progress.epochs


def train_step(moving: Moving, batch: Batch, number: int, asked: int = 0) -> tuple[Tensor, int]:
    """One step: standardise, augment, loss, gradient, update.

    Args:
        moving: The moving parts.
        batch: This process's share, on the CPU.
        number: Of the step within the run, from 0; the augmentation depends on it.
        asked: Bits that the other processes are to hear of.

    Returns:
        The loss, on its device, and the bits of all processes.
    """
    config, device, targets = moving.config, moving.device, moving.targets
    images = batch.images.to(device, non_blocking=True)
    pixels = standardise(resize(images, config.model.size))
    if config.data.augment:
        pixels = jitter(pixels, _generator(config.seed, number))
    unique, place = batch.text.unique(return_inverse=True)
    tokens = moving.model.tokenizer.trim(targets.tokens[unique]).to(device, non_blocking=True)
    whole = gather_batch(batch, place, len(unique), asked, device)
    loss = backward(
        moving.module,
        split(pixels, tokens, config.micro_batch),
        loss_of(whole, targets),
        scaler=moving.accelerator.scaler,
        no_sync=moving.no_sync,
    )
    if config.optim.clip is not None:
        moving.accelerator.clip_grad_norm_(moving.module.parameters(), config.optim.clip)
    moving.optimiser.step()
    if not moving.optimiser.step_was_skipped:
        moving.schedule.step()
        if moving.ema is not None:
            moving.ema.update()
    moving.optimiser.zero_grad()
    return loss, whole.asked


def _run_epoch(
    moving: Moving, begun: Progress, saver: Saver, signals: StopSignals, listener: Listener
) -> Progress:
    """Do the steps that are left of an epoch; returns the progress at its end, not yet scored."""
    config, steps, number = moving.config, len(moving.loader), begun.number
    watch = LossWatch(number, lambda step: _ids(moving, number, step), total=begun.total)
    start = time.perf_counter()

    def so_far(step: int) -> Progress:
        total = watch.total()
        seconds = begun.seconds + time.perf_counter() - start
        return replace(begun, step=step, total=total, seconds=seconds)

    moving.module.train()
    for step, batch in enumerate(moving.loader.epoch(number, begun.step), start=begun.step + 1):
        asked = (STOP if signals.received else 0) | (SAVE if saver.due(step) else 0)
        loss, asked = train_step(moving, batch, (number - 1) * steps + step - 1, asked)
        watch.add(step, loss)
        listener.advance(config.batch)
        if asked and step < steps:
            progress = so_far(step)
            saver.save(progress)
            if asked & STOP:
                _stop(progress, signals, listener)
    return so_far(steps)


def _close_epoch(moving: Moving, done: Progress, saver: Saver, listener: Listener) -> Progress:
    """Score, record and save a complete epoch."""
    config, steps = moving.config, len(moving.loader)
    with whole_model(moving) as model:
        (zero_shot, scale), calibration = _score(moving, model)
    epoch = Epoch(
        epoch=done.number,
        loss=done.total / steps,
        lr=float(moving.schedule.get_last_lr()[0]),
        logit_scale=scale,
        images_per_second=(steps * config.batch) / done.seconds,
        seconds=done.seconds,
        macro_auc=zero_shot.macro,
        auc=zero_shot.auc,
    )
    epochs = (*done.epochs, epoch)
    stale = patience_spent(epochs)
    ended = config.patience is not None and stale >= config.patience
    progress = Progress(epochs, finished=len(epochs) == config.epochs or ended)
    saver.save(progress, calibration)
    moving.accelerator.log(_scalars(epoch), step=epoch.epoch)
    listener.note(_line(epoch, config.epochs))
    if ended and len(epochs) < config.epochs:
        listener.note(f"stopped: {stale} epochs without a better held-out AUC")
    return progress


def patience_spent(epochs: tuple[Epoch, ...]) -> int:
    """Epochs since the best held-out AUC; an undefined one counts as no better."""
    best, spent = float("-inf"), 0
    for epoch in epochs:
        better = epoch.macro_auc is not None and epoch.macro_auc > best
        best = epoch.macro_auc if better and epoch.macro_auc is not None else best
        spent = 0 if better else spent + 1
    return spent


def _stop(progress: Progress, signals: StopSignals, listener: Listener) -> None:
    # Processes that got no signal themselves heard of it from one that did.
    why = signals.received or "another process's signal"
    listener.note(
        f"stopped by {why} and saved after step {progress.step} of epoch {progress.number}: "
        "the same command goes on from there"
    )
    raise Preempted


def _score(
    moving: Moving, model: MedFILIP | None
) -> tuple[tuple[ZeroShotScore, float], Calibration | None]:
    """Held-out score and logit scale, computed by the main process and told to the others.

    The calibration, from the same embeddings, stays with the process that writes checkpoints.
    """
    data, config = moving.data, moving.config
    told: list[tuple[ZeroShotScore, float] | None] = [None]
    calibration: Calibration | None = None
    if model is not None:
        embedded = embed_rows(model, data.images, data.valid)
        samples = [data.images.samples[row] for row in data.valid]
        found = score(model, embedded, samples, data.prompts, data.kb)
        told[0] = found, float(model.logit_scale.detach())
        calibration = fit_calibration(
            model,
            data.images,
            data.valid,
            embedded,
            data.prompts,
            data.kb,
            normal=config.data.normal,
            template=config.data.template,
        )
    if moving.accelerator.num_processes > 1:
        broadcast_object_list(told)
    assert told[0] is not None
    return told[0], calibration


def _generator(seed: int, number: int) -> torch.Generator:
    """Randomness of one step's augmentation on one rank, a pure function of both."""
    rank, _ = ranks()
    drawn = np.random.SeedSequence((seed, _AUGMENT, number, rank)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(drawn[0] >> np.uint64(1)))


def _ids(moving: Moving, number: int, step: int) -> list[str]:
    """Ids of the images of a step, over all processes."""
    loader, samples = moving.loader, moving.data.images.samples
    order = loader.rows[epoch_order(len(loader.rows), loader.seed, number)]
    return [samples[row].id for row in order[(step - 1) * loader.batch : step * loader.batch]]


def _scalars(epoch: Epoch) -> dict[str, float]:
    named = {"loss": epoch.loss, "lr": epoch.lr, "logit_scale": epoch.logit_scale}
    named["images_per_second"] = epoch.images_per_second
    by_class = {f"auc/{name}": value for name, value in epoch.auc.items() if value is not None}
    macro = {} if epoch.macro_auc is None else {"macro_auc": epoch.macro_auc}
    return {**named, **macro, **by_class}


def _line(epoch: Epoch, epochs: int) -> str:
    macro = "undefined" if epoch.macro_auc is None else f"{epoch.macro_auc:.3f}"
    return (
        f"epoch {epoch.epoch}/{epochs}  loss {epoch.loss:.4f}  "
        f"zero-shot macro AUC {macro}  {epoch.images_per_second:.0f} images/s"
    )
