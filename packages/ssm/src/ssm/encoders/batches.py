"""The loop that every model shares: batches of like length, progress, memory that runs out."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ssm.encoders.progress import progress_bar
from ssm.errors import EncoderError
from ssm.similarity import normalise

Forward = Callable[[list[int]], Tensor]
"""From the positions of some texts to their vectors, of any length and on any device."""


def in_batches(
    name: str,
    lengths: Sequence[int],
    dim: int,
    forward: Forward,
    *,
    batch_size: int,
    at_once: int = 1,
    progress: bool = False,
) -> Float[Tensor, "M D"]:
    """Run a model over all texts and return float32 rows of length 1, in the texts' order.

    Texts of like length share a batch, so that little is padding; the longest come first, so that
    memory runs out at once or never.

    Args:
        name: The encoder's name, for messages.
        lengths: Of each text, in any unit that grows with the work.
        dim: D.
        forward: The model.
        batch_size: Texts at a time.
        at_once: Batches that one call of ``forward`` spreads over its workers.
        progress: Show a progress bar on a terminal's stderr.

    Raises:
        EncoderError: The batch size is below 1, or a batch does not fit into a device's memory.
    """
    if batch_size < 1:
        raise EncoderError(f"batch_size must be 1 or more, got {batch_size!r}")
    result = torch.zeros(len(lengths), dim)
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    step = batch_size * at_once
    with progress_bar(show=progress) as bar:
        task = bar.add_task(f"encode with {name}", total=len(order))
        for start in range(0, len(order), step):
            batch = order[start : start + step]
            try:
                vectors = forward(batch)
            except torch.OutOfMemoryError as error:
                raise EncoderError(
                    f"encoder {name!r}: the device's memory does not hold batch_size={batch_size} "
                    f"texts of this length: try batch_size={max(batch_size // 4, 1)}"
                ) from error
            # Copied into a plain tensor: one made in inference mode could not be a loss's target.
            result[batch] = normalise(vectors.detach().float()).cpu()
            bar.advance(task, len(batch))
    return result
