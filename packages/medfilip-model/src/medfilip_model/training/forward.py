"""What goes through the towers in one call: a module of its own, so that wrappers see it all."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage] - has no public base

from medfilip_model.model import MedFILIP
from medfilip_model.towers import settled
from medfilip_model.training.gather import ranks


class Outputs(NamedTuple):
    """All that the loss reads of the model.

    Attributes:
        images: Unit vectors of the images.
        texts: Unit vectors of the unique texts.
        presence: Logits of the fusion head; None without one.
        location: Its logits of places; None without them.
        scale: Scale of the cosines.
        attributes: Unit vectors of the attributes' texts; None where they are not asked for.
    """

    images: Float[Tensor, "N D"]
    texts: Float[Tensor, "U D"]
    presence: Float[Tensor, "N K"] | None
    location: Float[Tensor, "N K R"] | None
    scale: Float[Tensor, ""]
    attributes: Float[Tensor, "A D"] | None = None


class TrainingPass(nn.Module):
    """Both towers and the fusion head in one forward call.

    DDP, FSDP and compilation act on calls of the module that they wrap: a head that is called
    beside it would be left out.

    Attributes:
        model: The model.
        entities: [K, L] token ids of the entities' explanations; None without a fusion head.
        attributes: [A, L] those of the visual attributes; None where the loss has none.
        blank: Tokens of an empty text.
    """

    entities: Int[Tensor, "K L"] | None
    attributes: Int[Tensor, "A _"] | None
    blank: Int[Tensor, "1 L"]

    def __init__(
        self,
        model: MedFILIP,
        entities: Int[Tensor, "K L"] | None,
        attributes: Int[Tensor, "A _"] | None = None,
    ) -> None:
        """Wrap a model.

        Args:
            model: The model.
            entities: Tokens of what its fusion head is asked for.
            attributes: Tokens of the visual attributes that the loss asks for.
        """
        super().__init__()
        self.model = model
        self.register_buffer("entities", entities, persistent=False)
        self.register_buffer("attributes", attributes, persistent=False)
        blank = model.tokenizer([""]).clone(memory_format=torch.contiguous_format)
        self.register_buffer("blank", blank, persistent=False)

    def forward(
        self, pixels: Float[Tensor, "N 1 H W"], tokens: Int[Tensor, "U L"], ask: bool = True
    ) -> Outputs:
        """Embed a batch or a part of it.

        Args:
            pixels: Standardised images.
            tokens: Unique texts.
            ask: Whether the attributes are embedded with it: once a batch is enough.

        Returns:
            What the loss reads.
        """
        # All ranks gather a sharded tower together: one that has no text left for it, while others
        # have, passes a blank one.
        absent = not len(tokens) and ranks()[1] > 1
        images, texts, scale, map = self.model(pixels, self.blank if absent else tokens)
        texts = texts[:0].clone() if absent else texts
        presence = location = None
        if self.model.fusion is not None and self.entities is not None and map is not None:
            # Without gradient: see FusionHead.
            with torch.no_grad(), settled(self.model):
                queries = self.model.encode_tokens(self.entities)
            presence, location, _ = self.model.fusion(map, queries)
        attributes = None
        if ask and self.attributes is not None:
            attributes = self.model.encode_tokens(self.attributes)
        return Outputs(images, texts, presence, location, scale, attributes)


class Part(NamedTuple):
    """What passes the towers at a time: some images, some unique texts, the attributes or not."""

    pixels: Float[Tensor, "n 1 H W"]
    tokens: Int[Tensor, "u L"]
    ask: bool = True


def split(
    pixels: Float[Tensor, "N 1 H W"], tokens: Int[Tensor, "U L"], size: int | None
) -> list[Part]:
    """Cut a batch into even parts of at most `size` images; its texts are spread over them.

    Where texts are fewer than parts the last parts have them: the last one is where gradients of
    distributed runs are exchanged, and there every parameter must take part.
    """
    if size is None or size >= len(pixels):
        return [Part(pixels, tokens)]
    # Even ones: a last part of one image would be too small for batch normalisation.
    images = pixels.tensor_split(-(-len(pixels) // size))
    texts = tokens.tensor_split(min(len(images), len(tokens)))
    none = [tokens[:0]] * (len(images) - len(texts))
    pairs = list(zip(images, (*none, *texts), strict=True))
    return [Part(p, t, ask=n == len(pairs) - 1) for n, (p, t) in enumerate(pairs)]


def join(parts: Sequence[Outputs]) -> Outputs:
    """The outputs of all parts of a batch as those of the whole."""

    def whole(column: tuple[Tensor | None, ...]) -> Tensor | None:
        known = [part for part in column if part is not None]
        return torch.cat(known) if known else None

    *rows, scales, asked = zip(*parts, strict=True)
    images, texts, presence, location = (whole(column) for column in rows)
    assert images is not None
    assert texts is not None
    return Outputs(images, texts, presence, location, scales[0], whole(asked))


@contextmanager
def frozen_statistics(module: nn.Module) -> Generator[None]:
    """Running statistics of batch normalisation are afterwards as they were before.

    The pass that only fills the cache of embeddings is run again with gradients; the statistics
    advance then.
    """
    kept = [
        (buffer, buffer.clone())
        for norm in module.modules()
        if isinstance(norm, _BatchNorm)
        for buffer in norm.buffers(recurse=False)
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)
