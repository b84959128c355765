"""Full fine-tuning: an encoder and a linear head, trained together on labels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Num
from medfilip_model.data.transforms import jitter
from torch import Tensor, nn
from torch.nn import functional

from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.learning.draw import unlearnable
from medfilip_bench.learning.loop import Schedule, autocast, fit, order, seeded
from medfilip_bench.learning.parts import Parts, chunks, images_of, labels_of
from medfilip_bench.learning.pictures import evenly
from medfilip_bench.learning.probe import Heads, fit_heads
from medfilip_bench.metrics.classification import auc
from medfilip_bench.metrics.measure import macro
from medfilip_bench.models.base import Backbone

# Images at a time where nothing is learnt.
_AHEAD = 64
# Training images that the first head is fitted on, at most.
_PROBED = 2000
_FLAT = 1e-6


class Classifier(nn.Module):
    """The mean of an encoder's last map, standardised as it was at first, and a linear head."""

    mean: Tensor
    scale: Tensor

    def __init__(self, backbone: Backbone, classes: int) -> None:
        """Join an encoder and a new head of so many classes."""
        super().__init__()
        self.encoder = backbone.module
        self.head = nn.Linear(backbone.channels[-1], classes)
        self.register_buffer("mean", torch.zeros(backbone.channels[-1]))
        self.register_buffer("scale", torch.ones(backbone.channels[-1]))

    def features(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N D"]:
        """Return what the head reads of grey images, 0..255."""
        return self.encoder(images)[-1].float().mean(dim=(2, 3))

    def forward(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N C"]:
        """Return logits of grey images, 0..255."""
        return self.head((self.features(images) - self.mean) / self.scale)

    def begin(
        self, heads: Heads, mean: Float[np.ndarray, " D"], scale: Float[np.ndarray, " D"]
    ) -> None:
        """Take a linear probe as the head.

        Args:
            heads: For features as they come; classes without one begin at zero.
            mean: Of the features.
            scale: Their deviation; steps of the optimiser then weigh all features alike.
        """
        weights, bias = np.nan_to_num(heads.weights), np.nan_to_num(heads.bias)
        parts = (self.mean, mean), (self.scale, scale)
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(weights * scale))
            self.head.bias.copy_(torch.from_numpy(bias + weights @ mean))
            for own, value in parts:
                own.copy_(torch.from_numpy(value))


@dataclass(frozen=True)
class Tuned:
    """What one fine-tuning came to; the columns of what could not be learnt are NaN.

    Attributes:
        test: Logits of the images that are judged, [N, C].
        valid: Logits of the validation images, [V, C].
        step: The step that was kept.
    """

    test: Float[np.ndarray, "N C"]
    valid: Float[np.ndarray, "V C"]
    step: int


def fine_tune(
    backbone: Backbone,
    data: LabelledSet,
    parts: Parts,
    schedule: Schedule,
    *,
    seed: int,
    device: str = "cpu",
) -> Tuned:
    """Train an encoder and a head on all classes at once; the best step on validation is kept.

    The head begins as a linear probe of the encoder as it comes: from a random head the first steps
    would spoil what the encoder knows (Kumar et al. 2022). A label that is not known counts for
    nothing. Images are moved and zoomed a little, as in training.

    Args:
        backbone: The encoder, a copy of its own; it is changed.
        data: The set.
        parts: Its rows; those to learn from may be a share of the training split.
        schedule: How long and how fast.
        seed: Of the head, the order of the images and how they are moved.
        device: Where.
    """
    reasons = unlearnable(labels_of(data, parts.train))
    if all(reasons):
        return Tuned(_none(parts.test, reasons), _none(parts.valid, reasons), 0)
    open_columns = torch.tensor([reason is None for reason in reasons], device=device)
    with seeded(seed):
        model = Classifier(backbone, len(reasons))
        model = model.to(device).to(memory_format=torch.channels_last)
        _probe(model, data, parts, device)
        turns = order(len(parts.train), schedule.batch, seed)
        moves = torch.Generator().manual_seed(seed)

        def loss(_: int) -> Tensor:
            rows = [parts.train[place] for place in next(turns)]
            truth = torch.from_numpy(labels_of(data, rows)).float().to(device)
            known = ~truth.isnan() & open_columns
            images = jitter(images_of(data, rows, device).float(), moves)
            with autocast(device):
                logits = model(images)
            apart = functional.binary_cross_entropy_with_logits(
                logits.float(), truth.nan_to_num(), reduction="none"
            )
            return (apart * known).sum() / known.sum().clamp_min(1)

        def judge() -> float | None:
            logits, truth = _read(model, data, parts.valid, device), labels_of(data, parts.valid)
            return macro(
                [
                    auc(truth[kept, c] == 1, logits[kept, c])
                    for c, reason in enumerate(reasons)
                    if reason is None
                    for kept in [~np.isnan(truth[:, c])]
                ]
            ).value

        best = fit(model, model.encoder, loss, judge, schedule)
        test, valid = (_read(model, data, rows, device) for rows in (parts.test, parts.valid))
    closed = [reason is not None for reason in reasons]
    test[:, closed], valid[:, closed] = np.nan, np.nan
    return Tuned(test, valid, best.step)


def _probe(model: Classifier, data: LabelledSet, parts: Parts, device: str) -> None:
    """Set the head to a linear probe of the encoder as it is."""
    model.eval()
    rows = evenly(parts.train, _PROBED)
    features = _read(model, data, rows, device, model.features)
    heads = fit_heads(
        features,
        labels_of(data, rows),
        _read(model, data, parts.valid, device, model.features),
        labels_of(data, parts.valid),
    )
    deviation = features.std(axis=0)
    # What does not vary among the first images keeps its scale.
    scale = np.where(deviation > _FLAT, deviation, 1.0)
    model.begin(heads, features.mean(axis=0), scale)


def _read(
    model: Classifier,
    data: LabelledSet,
    rows: list[int],
    device: str,
    ask: Callable[[Tensor], Tensor] | None = None,
) -> Float[np.ndarray, "N _"]:
    """Return logits, or what else is asked, of some images; the model is in evaluation mode."""
    ask = ask or model
    found: list[np.ndarray] = []
    with torch.inference_mode():
        # One empty part gives an empty set its number of columns.
        for part in chunks(rows, _AHEAD) if rows else [rows]:
            with autocast(device):
                answers = ask(images_of(data, part, device))
            found.append(answers.float().cpu().numpy().astype(np.float64))
    return np.concatenate(found)


def _none(rows: list[int], reasons: tuple[str | None, ...]) -> Float[np.ndarray, "N C"]:
    return np.full((len(rows), len(reasons)), np.nan)
