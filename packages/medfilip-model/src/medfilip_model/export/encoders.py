"""The two encoders as programs of their own: grey values or token ids in, unit vectors out."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medfilip_model.data.transforms import standardise
from medfilip_model.model import MedFILIP

# Of different lengths, so that padding is probed; the last is longer than any context.
PROBES = (
    "pneumonia",
    "small left pleural effusion, blunting the costophrenic angle",
    "no acute cardiopulmonary finding, where the lungs are clear and well expanded",
    "moderate right upper lobe consolidation; " * 40,
)


class ImageEncoder(nn.Module):
    """Images of the model's size, on any scale of grey, to unit vectors."""

    def __init__(self, model: MedFILIP) -> None:
        """Take the image half of a model, as it is used for answers."""
        super().__init__()
        self.tower = model.image_tower
        self.norm = model.image_norm
        self.projection = model.image_projection
        self.eval()

    def forward(self, pixels: Float[Tensor, "N 1 S S"]) -> Float[Tensor, "N D"]:
        """Standardise, encode, project."""
        features = self.projection(self.norm(self.tower(standardise(pixels))))
        return nn.functional.normalize(features.float(), dim=-1)


class TextEncoder(nn.Module):
    """Token ids to unit vectors."""

    def __init__(self, model: MedFILIP) -> None:
        """Take the text half of a model, as it is used for answers."""
        super().__init__()
        self.tower = model.text_tower
        self.eval()

    def forward(self, tokens: Int[Tensor, "M L"]) -> Float[Tensor, "M D"]:
        """Encode."""
        return nn.functional.normalize(self.tower(tokens).float(), dim=-1)


@dataclass(frozen=True)
class Program:
    """An encoder with all that is needed to export it and to check what came out.

    Attributes:
        name: ``image`` or ``text``; files are called after it.
        module: The encoder, in evaluation mode.
        input: Name of what it reads.
        output: Name of what it gives.
        free: Axes of the input of any length -> their names.
        probes: Inputs of different lengths along these axes; the first is traced.
    """

    name: str
    module: nn.Module
    input: str
    output: str
    free: Mapping[int, str]
    probes: tuple[Tensor, ...]

    @torch.no_grad()
    def expected(self) -> list[Tensor]:
        """What torch makes of the probes."""
        return [self.module(probe) for probe in self.probes]


def programs(model: MedFILIP) -> tuple[Program, Program]:
    """The image and the text encoder of a model on the CPU."""
    size, tokens = model.config.size, model.tokenizer
    noise = torch.rand((5, 1, size, size), generator=torch.Generator().manual_seed(0))
    # A second exposure: the grey scale must not matter.
    images = (noise[:2], noise * 255, noise[2:3])
    texts = (tokens(PROBES[1:3]), tokens(PROBES), tokens(PROBES[:1]))
    return (
        Program("image", ImageEncoder(model), "pixels", "image_vectors", {0: "images"}, images),
        Program("text", TextEncoder(model), "tokens", "text_vectors", {0: "texts", 1: "l"}, texts),
    )
