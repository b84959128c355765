"""What happens to grey values between the store and the tower: pure functions on batches."""

import torch
from jaxtyping import Float, Num
from torch import Generator, Tensor
from torch.nn import functional
from torchvision.transforms.v2.functional import center_crop
from torchvision.transforms.v2.functional import resize as scale_to

# Keeps an empty (constant) image at zero instead of dividing by nothing.
_FLOOR = 1e-3


def standardise(images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N 1 H W"]:
    """Shift and scale each image to mean 0 and deviation 1.

    Per image, not per data set: exposure differs between machines, and a model so trained takes
    grey values of any scale (0..1, 0..255) alike.

    Args:
        images: Grey values, any numeric type and scale.

    Returns:
        Float32 images.
    """
    values = images.float()
    mean = values.mean(dim=(1, 2, 3), keepdim=True)
    deviation = values.std(dim=(1, 2, 3), keepdim=True, correction=0)
    return (values - mean) / deviation.clamp_min(_FLOOR)


def resize(images: Num[Tensor, "N 1 H W"], size: int) -> Num[Tensor, "N 1 S S"]:
    """Scale the short side to `size` and cut the centre square; at that size nothing changes."""
    height, width = images.shape[-2:]
    if (height, width) == (size, size):
        return images
    scale = size / min(height, width)
    shape = [max(size, round(height * scale)), max(size, round(width * scale))]
    # In float32: scaled bytes would be rounded to whole grey values.
    return center_crop(scale_to(images.float(), shape, antialias=True), [size, size])


def jitter(
    images: Float[Tensor, "N 1 H W"],
    generator: Generator,
    *,
    shift: float = 0.04,
    zoom: float = 0.06,
) -> Float[Tensor, "N 1 H W"]:
    """Move and zoom each image a little, as patients stand differently.

    Never mirrored: texts name the patient's left and right.

    Args:
        images: Standardised images; what moves in from outside repeats the border.
        generator: Source of randomness, on the CPU.
        shift: Largest shift as a share of the side.
        zoom: Largest zoom in or out as a share.

    Returns:
        Images of the same shape.
    """
    count = len(images)
    drawn = torch.rand((count, 3), generator=generator).to(images.device) * 2 - 1
    theta = torch.zeros((count, 2, 3), device=images.device)
    theta[:, 0, 0] = theta[:, 1, 1] = 1 + zoom * drawn[:, 0]
    # Grid coordinates span [-1, 1]: a shift by a share of the side is twice that.
    theta[:, :, 2] = 2 * shift * drawn[:, 1:]
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
