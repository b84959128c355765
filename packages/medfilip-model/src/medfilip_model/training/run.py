"""`train`: config in, run folder out."""

import atexit
import importlib.util
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version

import torch
import torch.distributed as dist
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import TensorBoardTracker
from accelerate.utils import set_seed
from iki_knowledge import KnowledgeBase, load_knowledge

from medfilip_model.config import TrainConfig
from medfilip_model.data.samples import Skipped
from medfilip_model.errors import ConfigError
from medfilip_model.model import MedFILIP
from medfilip_model.prepare import Prepared, prepare
from medfilip_model.progress import Listener, Silent
from medfilip_model.training.gather import ranks
from medfilip_model.training.loop import fit
from medfilip_model.training.moving import cautions, set_up
from medfilip_model.training.records import TrainResult
from medfilip_model.training.resume import Resumable, check_resolved, find_run
from medfilip_model.training.start import start_from
from medfilip_model.training.state import Progress, restore


def train(
    config: TrainConfig,
    *,
    kb: KnowledgeBase | None = None,
    listener: Listener | None = None,
    resume: bool = True,
) -> TrainResult:
    """Train a model and write its run folder: checkpoints, config.json, metrics.jsonl, TensorBoard.

    Under ``accelerate launch`` or ``torchrun`` every process calls it; the first one writes.

    Args:
        config: The run, often from `medfilip_model.recipes`.
        kb: Dictionary; the packaged one by default.
        listener: Hears of progress.
        resume: Whether to go on with the run of the same config that the folder may hold. A
            finished one is not trained again: its result is returned. False begins anew; an earlier
            run in the folder stays whole until this one's first checkpoint.

    Returns:
        The scores and where the model is.

    Raises:
        ConfigError: If the config cannot be used, or the folder holds a run of another one.
        DataError: If its data cannot be used.
        CheckpointError: If the checkpoint to go on from is damaged, or no new one can be written.
        TrainingError: If the loss or a weight is no number; the last checkpoint stays.
        SsmError: If the encoder of the targets is not to be had.
        Preempted: If SIGTERM, or SIGINT once, asked to stop: all is saved, and the process that
            lets this exception pass exits with 0.
    """
    start = time.perf_counter()
    kb, listener = kb or load_knowledge(), listener or Silent()
    check_trackers(config)
    found = find_run(config) if resume else None
    if found is not None and found.progress.finished:
        listener.note(
            f"{config.out} holds this run, finished: nothing to train (--no-resume begins anew)"
        )
        return _stored(config, found, time.perf_counter() - start)
    set_seed(config.seed)
    precision = resolve_precision(config.precision)
    with _accelerator(config, precision) as accelerator:
        if not accelerator.is_main_process:
            listener = Silent()
        # Made first: a tower that does not exist should not cost the time to draw the data.
        own = found is None and config.start is None
        model = MedFILIP(config.model, load=own)
        data = _prepare(config, kb, listener, accelerator)
        if data.model != config.model:  # the places of a fusion head are those of the data
            model = MedFILIP(data.model, load=own)
        record = _record(config, data, kb, precision, str(accelerator.device))
        if found is not None:
            check_resolved(config.out, found.resolved, record["resolved"])
        _start_trackers(config, accelerator)
        _begin_with(config, model, found, listener)
        moving = set_up(config, model, data, accelerator)
        for warning in cautions(moving):
            listener.note(warning)
        rank, world = ranks()
        if world > 1:
            # Alike so far, for equal weights; from here on each draws its own dropout.
            set_seed(config.seed + rank)
        progress = Progress()
        if found is not None:
            progress = restore(moving, found.state)
            listener.note(_whence(found, len(moving.loader)))
        try:
            epochs = fit(moving, progress, record, listener)
        finally:
            moving.loader.close()
    return TrainResult(
        out=config.out,
        epochs=epochs,
        encoder=data.encoder,
        skipped=data.images.skipped,
        seconds=time.perf_counter() - start,
    )


def resolve_precision(asked: str) -> str:
    """Turn ``auto`` into ``bf16`` where the machine computes it natively, else ``fp32``.

    Emulated bfloat16 is slower than float32; with the instruction it is about twice as fast.

    Raises:
        ConfigError: If float16 is asked for without a GPU.
    """
    if asked == "fp16" and not torch.cuda.is_available():
        raise ConfigError(
            "precision 'fp16' needs a CUDA device: its loss scaling is for GPUs; "
            "take 'bf16', 'fp32' or 'auto'"
        )
    if asked != "auto":
        return asked
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    cpu = getattr(torch.cpu, "get_capabilities", dict)()
    return "bf16" if cpu.get("avx512_bf16") or cpu.get("amx_bf16") else "fp32"


def check_trackers(config: TrainConfig) -> None:
    """Raise ConfigError when a tracker's package is missing; accelerate would leave it out."""
    for tracker in config.trackers:
        if importlib.util.find_spec(tracker) is None:
            raise ConfigError(
                f"tracker {tracker!r} needs the package {tracker}: install it "
                f"(uv pip install {tracker}), or leave it out of the setting trackers"
            )


@contextmanager
def _accelerator(config: TrainConfig, precision: str) -> Generator[Accelerator]:
    accelerator = Accelerator(
        mixed_precision="no" if precision == "fp32" else precision,
        log_with=[
            TensorBoardTracker("tensorboard", config.out) if name == "tensorboard" else name
            for name in config.trackers
        ]
        or None,
        project_dir=config.out,
    )
    atexit.register(_leave_group)
    try:
        yield accelerator
        # After an error nobody is waited for: the others may be where they would wait for ever.
        accelerator.wait_for_everyone()
    finally:
        # Not end_training: it closes the process group, which a second run could not open again.
        for tracker in accelerator.trackers:
            tracker.finish()
        # accelerate keeps the first run's precision for the whole process; the next run may differ.
        AcceleratorState._reset_state()  # pyright: ignore[reportPrivateUsage] - see above


def _begin_with(
    config: TrainConfig, model: MedFILIP, found: Resumable | None, listener: Listener
) -> None:
    if found is not None:
        model.load_state_dict(found.weights)
    elif config.start is not None:
        stayed = start_from(model, config.start)
        but = f" ({len(stayed)} tensors of the fusion head stay random)" if stayed else ""
        listener.note(f"training begins with the weights of {config.start}{but}")


def _leave_group() -> None:
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def _start_trackers(config: TrainConfig, accelerator: Accelerator) -> None:
    """Start the trackers; MLflow keeps its own place, which many runs share."""
    if not config.trackers:
        return
    config.out.mkdir(parents=True, exist_ok=True)
    options: dict[str, dict[str, object]] = {
        "wandb": {"name": config.out.name, "dir": os.environ.get("WANDB_DIR", str(config.out))},
        "mlflow": {"run_name": config.out.name},
    }
    try:
        accelerator.init_trackers("medfilip", init_kwargs=options)
    except Exception as error:  # each has errors of its own: no server, no key, no database
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ConfigError(
            f"one of the trackers {', '.join(config.trackers)} does not start: {reason}; leave it "
            "out of the setting trackers, or see to its own settings (such as WANDB_MODE=offline, "
            "MLFLOW_TRACKING_URI)"
        ) from error


def _prepare(
    config: TrainConfig, kb: KnowledgeBase, listener: Listener, accelerator: Accelerator
) -> Prepared:
    """Load the data, in the main process first: it fills the caches that the others then read."""
    with accelerator.main_process_first():
        return prepare(config, kb, listener)


def _record(
    config: TrainConfig, data: Prepared, kb: KnowledgeBase, precision: str, device: str
) -> dict[str, dict[str, object]]:
    _, world = ranks()
    return {
        "config": config.model_dump(mode="json"),
        "resolved": {
            "encoder": data.encoder,
            "precision": precision,
            "device": device,
            "processes": world,
            "knowledge": kb.version,
            "images": data.images.name,
            "train": len(data.train),
            "valid": len(data.valid),
            "skipped": len(data.images.skipped),
            "skipped_files": [asdict(skipped) for skipped in data.images.skipped],
            "texts": len(data.texts.texts),
            "classes": list(data.prompts),
            "versions": {name: version(name) for name in ("medfilip-model", "torch", "timm")},
        },
    }


def _stored(config: TrainConfig, found: Resumable, seconds: float) -> TrainResult:
    """The result of a finished run, as its folder tells it."""
    skipped = found.resolved.get("skipped_files", [])
    return TrainResult(
        out=config.out,
        epochs=found.progress.epochs,
        encoder=str(found.resolved.get("encoder", "unknown")),
        skipped=tuple(Skipped(**one) for one in skipped),
        seconds=seconds,
    )


def _whence(found: Resumable, steps: int) -> str:
    at = found.progress
    return f"going on after step {at.step} of {steps} in epoch {at.number}"
