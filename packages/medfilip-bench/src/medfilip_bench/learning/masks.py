"""Segmentation: a UNet trained on masks, and how much of each mask its answers share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from segmentation_models_pytorch.losses import DiceLoss, SoftBCEWithLogitsLoss
from torch import Tensor, nn

from medfilip_bench.datasets.labelled import IGNORED, INSIDE, LabelledSet
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.learning.loop import Schedule, autocast, fit, order, seeded
from medfilip_bench.learning.parts import Parts, chunks, images_of
from medfilip_bench.learning.pictures import evenly
from medfilip_bench.learning.unet import UNet
from medfilip_bench.metrics.segmentation import Overlaps
from medfilip_bench.models.base import Backbone

# Probabilities that may be taken as the threshold. Fine near 1, where an answer becomes empty.
LEVELS = (*(round(0.05 * k, 2) for k in range(1, 20)), 0.97, 0.98, 0.99, 0.995, 0.999)
_AHEAD = 32
# Validation images that choose the step, at most: to answer all of them costs as much as to learn.
JUDGED = 128
_IGNORE = -1


@dataclass(frozen=True)
class Counted:
    """Pixel counts of N images at T thresholds (`LEVELS`).

    Attributes:
        both: Pixels marked in truth and answer, [T, N].
        said: Pixels marked in the answer, [T, N].
        true: Pixels marked in the truth, [N].
    """

    both: Int[np.ndarray, "T N"]
    said: Int[np.ndarray, "T N"]
    true: Int[np.ndarray, " N"]

    def at(self, level: int) -> Overlaps:
        """Return the counts at one threshold, by its number."""
        return Overlaps(both=self.both[level], said=self.said[level], true=self.true)

    def score(self, level: int) -> float:
        """Return the mean of the Dice on images with the finding and on those without it.

        Not the Dice over all images: where the finding is rare, the best of those is an answer
        that is always empty.
        """
        counts = self.at(level)
        dice, shows = counts.dice(), counts.positive
        parts = [dice[kind].mean() for kind in (shows, ~shows) if kind.any()]
        return float(np.mean(parts))

    def best(self) -> int:
        """Return the number of the threshold with the highest `score`; of equals the highest."""
        return max(range(len(LEVELS)), key=lambda level: (self.score(level), level))


@dataclass(frozen=True)
class Segmented:
    """What one training on masks came to.

    Attributes:
        test: Counts of the judged images.
        valid: Counts of the validation images.
        shown: Probabilities of the images that are shown, 0..255, [K, H, W].
        step: The step that was kept.
    """

    test: Counted
    valid: Counted
    shown: UInt8[np.ndarray, "K H W"]
    step: int

    def arrays(self) -> Mapping[str, np.ndarray]:
        """As arrays, for a file."""
        found = {"shown": self.shown, "step": np.array(self.step)}
        for name, part in (("test", self.test), ("valid", self.valid)):
            found |= {f"{name}_both": part.both, f"{name}_said": part.said}
            found |= {f"{name}_true": part.true}
        return found

    @classmethod
    def read(cls, arrays: Mapping[str, np.ndarray]) -> "Segmented":
        """From what `arrays` gave."""
        test, valid = (
            Counted(*(arrays[f"{name}_{field}"] for field in ("both", "said", "true")))
            for name in ("test", "valid")
        )
        return cls(test, valid, arrays["shown"], int(arrays["step"]))


def masks_of(data: LabelledSet, rows: Sequence[int]) -> UInt8[np.ndarray, "n H W"]:
    """Return the masks of some rows.

    Raises:
        NotApplicableError: If the set has no masks.
    """
    if data.masks is None:
        raise NotApplicableError(f"{data.card.id} has no masks")
    return np.array(data.masks[np.asarray(rows, dtype=np.int64)])


def segment(
    backbone: Backbone,
    data: LabelledSet,
    parts: Parts,
    schedule: Schedule,
    *,
    seed: int,
    shown: Sequence[int] = (),
    device: str = "cpu",
) -> Segmented:
    """Train a UNet on an encoder; the step with the best `Counted.score` on validation is kept.

    Half of each batch shows the finding, where some images do and some do not. The loss is binary
    cross-entropy and soft Dice in equal parts; pixels that are not to be judged
    count in neither, nor in the scores.

    Args:
        backbone: The encoder, a copy of its own; it is changed.
        data: The set, with masks.
        parts: Its rows; those to learn from may be a share of the training split.
        schedule: How long and how fast.
        seed: Of the decoder and the order of the images.
        shown: Rows whose answers are returned as pictures.
        device: Where.
    """
    entropy = SoftBCEWithLogitsLoss(ignore_index=_IGNORE)
    overlap = DiceLoss("binary", ignore_index=_IGNORE)
    with seeded(seed):
        model = UNet(backbone).to(device).to(memory_format=torch.channels_last)
        turns = _batches(data, parts.train, schedule.batch, seed)

        def loss(_: int) -> Tensor:
            rows = next(turns)
            truth = _target(masks_of(data, rows)).to(device)
            with autocast(device):
                logits = model(images_of(data, rows, device))
            logits = logits.float()
            return entropy(logits, truth) + overlap(logits, truth)

        some = evenly(parts.valid, JUDGED)

        def judge() -> float | None:
            if not some:
                return None
            counted = _count(model, data, some, device)
            return counted.score(counted.best())

        best = fit(model, model.encoder, loss, judge, schedule)
        return Segmented(
            test=_count(model, data, parts.test, device),
            valid=_count(model, data, parts.valid, device),
            shown=(_answers(model, data, shown, device) * 255).round().astype(np.uint8),
            step=best.step,
        )


def _batches(data: LabelledSet, rows: Sequence[int], batch: int, seed: int) -> Iterator[list[int]]:
    """Yield the rows of each batch without end, half of them with a mask that marks something."""
    shows = [row for part in chunks(rows, _AHEAD) for row in _marked(data, part)]
    known = set(shows)
    lacks = [row for row in rows if row not in known]
    kinds = [kind for kind in (shows, lacks) if kind]
    turns = [order(len(kind), batch // len(kinds), seed + n) for n, kind in enumerate(kinds)]
    while True:
        yield [kind[place] for kind, turn in zip(kinds, turns, strict=True) for place in next(turn)]


def _marked(data: LabelledSet, rows: Sequence[int]) -> list[int]:
    """Return the rows whose mask marks something."""
    inside = (masks_of(data, rows) == INSIDE).any(axis=(1, 2))
    return [row for row, there in zip(rows, inside.tolist(), strict=True) if there]


def _target(masks: UInt8[np.ndarray, "n H W"]) -> Float[Tensor, "n H W"]:
    truth = (masks == INSIDE).astype(np.float32)
    truth[masks == IGNORED] = _IGNORE
    return torch.from_numpy(truth)


def _answers(
    model: nn.Module, data: LabelledSet, rows: Sequence[int], device: str
) -> Float[np.ndarray, "n H W"]:
    """Return the probability of each pixel."""
    if not rows:
        return np.zeros((0, *data.images.pixels.shape[1:]), dtype=np.float32)
    with torch.inference_mode(), autocast(device):
        logits = model(images_of(data, rows, device))
    return logits.float().sigmoid().cpu().numpy()


def _count(model: nn.Module, data: LabelledSet, rows: Sequence[int], device: str) -> Counted:
    """Count pixels of all images at all thresholds, a few images at a time."""
    both, said = (np.zeros((len(LEVELS), len(rows)), dtype=np.int64) for _ in range(2))
    true = np.zeros(len(rows), dtype=np.int64)
    for start, part in enumerate(chunks(rows, _AHEAD)):
        place = slice(start * _AHEAD, start * _AHEAD + len(part))
        masks = masks_of(data, part)
        inside, judged = masks == INSIDE, masks != IGNORED
        true[place] = inside.sum(axis=(1, 2))
        answers = _answers(model, data, part, device)
        for level, probability in enumerate(LEVELS):
            marked = (answers >= probability) & judged
            said[level, place] = marked.sum(axis=(1, 2))
            both[level, place] = (marked & inside).sum(axis=(1, 2))
    return Counted(both, said, true)
