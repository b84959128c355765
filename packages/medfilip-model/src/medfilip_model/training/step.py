"""The gradient of one batch: its parts, its ranks, and one loss over all of it.

A contrastive loss of a batch is no sum over parts of it. So the parts pass the towers without
gradient, the loss of all embeddings gives each embedding its gradient, and the parts pass once
more, each handing its embeddings' gradients down (GradCache, Gao et al. 2021). The result is the
gradient of the whole batch, for the memory of one part. Batch normalisation alone sees a
difference: it normalises by the part that it is shown, as it does by a rank's share.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from medfilip_model.training.forward import Outputs, Part, frozen_statistics, join
from medfilip_model.training.gather import ranks
from medfilip_model.training.rng import set_torch_state, torch_state


@runtime_checkable
class Scaler(Protocol):
    """Scales a loss against underflow of float16."""

    def scale(self, outputs: Tensor) -> Tensor:
        """Return the loss, multiplied."""
        ...


def backward(
    module: nn.Module,
    parts: Sequence[Part],
    loss_of: Callable[[Outputs], Tensor],
    *,
    scaler: Scaler | None = None,
    no_sync: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Tensor:
    """Add the gradient of a batch to the parameters' gradients.

    Args:
        module: `TrainingPass`, maybe wrapped; wrappers average gradients over ranks.
        parts: The batch of this rank, from `split`.
        loss_of: The loss of all outputs; with several ranks, of the outputs of all ranks, computed
            whole on each (see `gather_rows`).
        scaler: Of float16.
        no_sync: Opens a context in which a wrapper does not exchange gradients.

    Returns:
        The loss, detached, still on its device.
    """
    if len(parts) == 1:
        outputs = module(*parts[0])
        loss, gradients = _gradients(outputs, loss_of, scaler)
        _hand_down(outputs, gradients)
        return loss
    device = parts[0].pixels.device
    states: list[tuple[Tensor, Tensor | None]] = []
    cached: list[Outputs] = []
    with torch.no_grad(), frozen_statistics(module):
        for part in parts:
            states.append(torch_state(device))
            cached.append(module(*part))
    loss, gradients = _gradients(join(cached), loss_of, scaler)
    counts = [(len(part.pixels), len(part.tokens)) for part in parts]
    del cached
    for n, (part, own) in enumerate(zip(parts, _cut(gradients, counts), strict=True)):
        last = n == len(parts) - 1
        # The same dropout as in the first pass.
        set_torch_state(states[n], device)
        with nullcontext() if last else no_sync():
            _hand_down(module(*part), own if last else own._replace(scale=own.scale * 0))
    return loss


def _gradients(
    outputs: Outputs, loss_of: Callable[[Outputs], Tensor], scaler: Scaler | None
) -> tuple[Tensor, Outputs]:
    """The loss, and its gradient to each output as the wrapper's averaging over ranks needs it."""
    leaves = _each(lambda x: x.detach().requires_grad_(), outputs)
    loss = loss_of(leaves)
    scaled = loss if scaler is None else scaler.scale(loss)
    asked = [leaf for leaf in leaves if leaf is not None]
    found = torch.autograd.grad(scaled, asked, allow_unused=True, materialize_grads=True)
    _, world = ranks()
    # Ranks hold different rows, whose gradients add up: averaged by the wrapper, they need the
    # factor. All have the same scale, and the whole of its gradient.
    factors = [1 if leaf is leaves.scale else world for leaf in asked]
    scaled_up = iter([g * factor for g, factor in zip(found, factors, strict=True)])
    return loss.detach(), _each(lambda _: next(scaled_up), leaves)


def _each(change: Callable[[Tensor], Tensor], outputs: Outputs) -> Outputs:
    """Change every output that there is, in order."""
    return Outputs(
        images=change(outputs.images),
        texts=change(outputs.texts),
        presence=None if outputs.presence is None else change(outputs.presence),
        location=None if outputs.location is None else change(outputs.location),
        scale=change(outputs.scale),
        attributes=None if outputs.attributes is None else change(outputs.attributes),
    )


def _cut(gradients: Outputs, counts: Sequence[tuple[int, int]]) -> list[Outputs]:
    images = [n for n, _ in counts]

    def rows(whole: Tensor | None, sizes: list[int]) -> Sequence[Tensor | None]:
        return [None] * len(sizes) if whole is None else whole.split(sizes)

    columns = (
        rows(gradients.images, images),
        rows(gradients.texts, [u for _, u in counts]),
        rows(gradients.presence, images),
        rows(gradients.location, images),
        [gradients.scale] * len(counts),
        # Only the last part was asked for them.
        [*[None] * (len(counts) - 1), gradients.attributes],
    )
    return [Outputs(*row) for row in zip(*columns, strict=True)]  # pyright: ignore[reportArgumentType] - as above


def _hand_down(outputs: Outputs, gradients: Outputs) -> None:
    pairs = [
        (output, gradient)
        for output, gradient in zip(outputs, gradients, strict=True)
        if output is not None and gradient is not None and output.requires_grad
    ]
    torch.autograd.backward([o for o, _ in pairs], [g for _, g in pairs])
