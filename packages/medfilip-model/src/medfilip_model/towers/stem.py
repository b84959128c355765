"""One grey channel in place of three colours, and positions for another size of image."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def to_grey(model: nn.Module) -> None:
    """Make the first convolution of a network read one channel: the sum of its three kernels.

    conv(x, x, x) = sum over c of k_c * x = (k_r + k_g + k_b) * x. A network that reads one channel
    already is left as it is.
    """
    stem = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    if stem is None or stem.in_channels == 1:
        return
    with torch.no_grad():
        stem.weight = nn.Parameter(stem.weight.sum(dim=1, keepdim=True))
    stem.in_channels = 1


def resample_positions(
    positions: Float[Tensor, "P C"], height: int, width: int
) -> Float[Tensor, "Q C"]:
    """Resample the embeddings of a class position and a square grid to another grid (bicubic).

    Args:
        positions: 1 + g² rows, the class position first.
        height: Rows of the new grid.
        width: Columns of the new grid.

    Returns:
        1 + height × width rows; at the old size the very same.
    """
    from timm.layers.pos_embed import resample_abs_pos_embed

    return resample_abs_pos_embed(positions[None], [height, width], num_prefix_tokens=1)[0]
