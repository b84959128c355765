"""What a run writes: its last checkpoints, the best one, and the files that describe them."""

import json
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from medfilip_model.calibration import Calibration, as_json
from medfilip_model.checkpoint import (
    BEST,
    LAST,
    copy_checkpoint,
    remove_checkpoint,
    save_checkpoint,
    write_atomic,
)
from medfilip_model.model import MedFILIP
from medfilip_model.training.moving import Moving
from medfilip_model.training.records import Epoch, TrainingError
from medfilip_model.training.state import Progress, capture

# Checkpoints of earlier epochs that are kept: checkpoints/epoch-0003.
_EARLIER = "epoch-{:04}"


class Saver:
    """Writes checkpoints when they are due."""

    def __init__(self, moving: Moving, record: Mapping[str, object]) -> None:
        """Begin to count the time.

        Args:
            moving: What is saved.
            record: What config.json says.
        """
        self._moving = moving
        self._record = record
        self._last = time.monotonic()

    def due(self, step: int) -> bool:
        """Whether this process wants a checkpoint inside the epoch after a step."""
        config = self._moving.config
        if config.save_steps is not None and step % config.save_steps == 0:
            return True
        minutes = config.save_minutes
        return minutes is not None and time.monotonic() - self._last >= minutes * 60

    def save(self, progress: Progress, calibration: Calibration | None = None) -> None:
        """Replace the last checkpoint; at the end of an epoch see to the kept ones as well.

        Collective: every process calls it, the main one writes.

        Args:
            progress: Where the run is.
            calibration: Of these weights; one of earlier weights would not fit them, so inside an
                epoch there is none.

        Raises:
            TrainingError: If a weight is no number.
            CheckpointError: If it cannot be written.
        """
        moving = self._moving
        state = capture(moving, progress)
        with whole_model(moving) as model:
            if model is not None:
                weights = model.state_dict()
                _check_finite(weights, progress)
                out = moving.config.out
                extra = {
                    "epoch": len(progress.epochs),
                    "step": progress.step,
                    "finished": progress.finished,
                    "metrics": asdict(progress.epochs[-1]) if progress.epochs else None,
                    **as_json(calibration),
                }
                save_checkpoint(
                    out / LAST, model, self._record, extra, weights=weights, state=state
                )
                if not progress.step:
                    _keep(out, progress.epochs, moving.config.keep)
                _describe(out, self._record, progress.epochs)
        self._last = time.monotonic()


@contextmanager
def whole_model(moving: Moving) -> Generator[MedFILIP | None]:
    """The model as it is scored and saved: averaged where the run averages, gathered where sharded.

    Collective.

    Yields:
        The model on the main process, None on the others.
    """
    main = moving.accelerator.is_main_process
    if moving.sharded:
        weights = moving.accelerator.get_state_dict(moving.module)
        if not main:
            yield None
            return
        model = MedFILIP(moving.model.config, load=False)
        model.load_state_dict({name.removeprefix("model."): w for name, w in weights.items()})
        yield model
        return
    with nullcontext() if moving.ema is None else moving.ema.applied():
        yield moving.model if main else None


def _check_finite(weights: Mapping[str, Tensor], progress: Progress) -> None:
    numbers = [w for w in weights.values() if w.is_floating_point()]
    if all(bool(fine) for fine in torch.stack([w.isfinite().all() for w in numbers]).tolist()):
        return
    name = next(n for n, w in weights.items() if not bool(torch.isfinite(w).all()))
    raise TrainingError(
        f"the weights {name!r} are no numbers after step {progress.step} of epoch "
        f"{progress.number}: lower the learning rate or use precision fp32; "
        "the last checkpoint is untouched"
    )


def _keep(out: Path, epochs: tuple[Epoch, ...], keep: int) -> None:
    """Keep the best epoch, and the `keep` last ones of which ``last`` is one."""
    latest, folder = epochs[-1], (out / LAST).parent
    scores = [e.macro_auc for e in epochs if e.macro_auc is not None]
    first_with_it = next((e for e in epochs if scores and e.macro_auc == max(scores)), epochs[-1])
    if first_with_it is latest:
        copy_checkpoint(out / LAST, out / BEST)
    if keep > 1:
        copy_checkpoint(out / LAST, folder / _EARLIER.format(latest.epoch))
    wanted = {_EARLIER.format(e.epoch) for e in epochs[-keep:]} if keep > 1 else set[str]()
    for old in folder.glob("epoch-*"):
        if old.name not in wanted:
            remove_checkpoint(old)


def _describe(out: Path, record: Mapping[str, object], epochs: tuple[Epoch, ...]) -> None:
    lines = "".join(json.dumps(asdict(epoch), allow_nan=False) + "\n" for epoch in epochs)
    write_atomic(out / "metrics.jsonl", lines.encode())
    write_atomic(out / "config.json", (json.dumps(record, indent=2) + "\n").encode())
