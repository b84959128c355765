"""Embedding many images or texts in batches, without gradients."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from medfilip_model.model import MedFILIP


@contextmanager
def evaluating(model: MedFILIP) -> Generator[None]:
    """Evaluation mode without gradients; the mode before is restored."""
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


def encode_images(
    model: MedFILIP, pixels: UInt8[np.ndarray, "N H W"], *, batch: int = 128
) -> Float[Tensor, "N D"]:
    """Embed images.

    Args:
        model: The model.
        pixels: Grey values, such as ``ImageSet.pixels``.
        batch: Images at a time.

    Returns:
        Unit vectors on the CPU.
    """
    parts = [torch.zeros((0, model.config.embed))]
    with evaluating(model):
        for start in range(0, len(pixels), batch):
            images = torch.from_numpy(np.array(pixels[start : start + batch])).unsqueeze(1)
            parts.append(model.encode_image(images).cpu())
    return torch.cat(parts)


def encode_texts(
    model: MedFILIP, texts: Sequence[str], *, batch: int = 256
) -> Float[Tensor, "M D"]:
    """Embed texts.

    Args:
        model: The model.
        texts: M texts.
        batch: Texts at a time.

    Returns:
        Unit vectors on the CPU.
    """
    parts = [torch.zeros((0, model.config.embed))]
    with evaluating(model):
        parts.extend(
            model.encode_text(texts[start : start + batch]).cpu()
            for start in range(0, len(texts), batch)
        )
    return torch.cat(parts)
