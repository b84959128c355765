"""The towers, the space that they share, and the fusion head."""

from typing import Annotated, Literal

from pydantic import Field

from medfilip_model.config.base import Fraction, Frozen, Positive


class ImageTowerConfig(Frozen):
    """The image encoder.

    Attributes:
        kind: The library that the architecture comes from.
        name: Its name there: a timm model, an open_clip model whose image tower is taken
            (``RN50``), a torchvision model.
        weights: None starts from random numbers; ``"pretrained"`` (timm, torchvision) or a tag of
            open_clip (``"openai"``) takes those of the hub; anything else is a local file
            (safetensors, or a state dict that loads with ``weights_only``). ``"ordered:FILE"`` is
            a file of another library's names for the same network, matched by order and shapes.
        channels: Width of each stage, where the timm family takes it (ResNets); None: its own.
        stem_width: Width of the stem, likewise.
        output_stride: Pixels between the locations of the last feature map, where the timm family
            takes it (ResNets): 16 or 8 instead of 32 make the later stages dilated, their maps
            finer and their cost higher, with the same weights.
    """

    kind: Literal["timm", "open_clip", "torchvision"] = "timm"
    name: str = "resnet10t"
    weights: str | None = None
    channels: tuple[Positive, ...] | None = None
    stem_width: Positive | None = None
    output_stride: Literal[8, 16, 32] | None = None


class TextTowerConfig(Frozen):
    """The text encoder.

    Attributes:
        kind: ``clip``: a CLIP-like transformer over CLIP's byte-pair vocabulary, of these sizes;
            ``open_clip``: the text tower of an open_clip model; ``hf``: a BERT-like encoder with
            its own tokenizer.
        name: The open_clip model, or the hub name or folder of the BERT-like one.
        weights: As for the image tower; ``"pretrained"`` are those of an ``hf`` encoder's folder,
            and None there means random ones of the same architecture.
        width: Channels of a token (``clip``).
        heads: Attention heads; divides `width` (``clip``).
        layers: Transformer blocks (``clip``).
        context: Longest text in tokens, start and end included; longer texts are cut there.
        pooling: What stands for a text (``hf``): the mean over its tokens, or its first token.
        norm: Whether embeddings pass a batch normalisation over the texts of a batch; without it
            all texts start with nearly the same embedding. The paper has none.
    """

    kind: Literal["clip", "open_clip", "hf"] = "clip"
    name: str | None = None
    weights: str | None = None
    width: Positive = 128
    heads: Positive = 4
    layers: Positive = 2
    context: Annotated[int, Field(ge=8)] = 96
    pooling: Literal["mean", "cls"] = "mean"
    norm: bool = False


class FusionConfig(Frozen):
    """The fusion head: entity queries that attend to the patches of the image (MedKLIP-like).

    Attributes:
        width: Channels of queries and patches inside the decoder.
        heads: Attention heads; divides `width`.
        layers: Decoder blocks.
        dropout: In attention and feed-forward parts.
        self_attention: Whether queries attend to each other too, as MedKLIP's do; then an entity's
            answer depends on which others are asked for.
        location: Whether each entity's sides and regions are predicted too.
        places: Names of the places that are, in the order of the logits: ``"left"``, ``"base"``,
            ``"left base"``. Training fills them in from its findings; none: no location logits.
    """

    width: Positive = 256
    heads: Positive = 4
    layers: Positive = 4
    dropout: Fraction = 0.1
    self_attention: bool = False
    location: bool = True
    places: tuple[str, ...] = ()


class ModelConfig(Frozen):
    """The dual encoder, and its fusion head where it has one.

    Attributes:
        size: Side of the square input in pixels.
        embed: Size D of the space that both towers project to.
        image_norm: Whether image features pass a batch normalisation before their projection. The
            paper has none; after a ReLU all features are positive, and without it all images start
            with nearly the same embedding.
        image: The image encoder.
        text: The text encoder.
        fusion: The fusion head; None: a dual encoder alone, as in the paper.
        logit_scale: Scale of the cosines at the start of training.
        max_logit_scale: The learned scale is clamped to [1, this].
    """

    size: Annotated[int, Field(ge=32, le=1024)] = 96
    embed: Positive = 128
    image_norm: bool = False
    image: ImageTowerConfig = ImageTowerConfig()
    text: TextTowerConfig = TextTowerConfig()
    fusion: FusionConfig | None = None
    logit_scale: Annotated[float, Field(ge=1)] = 10.0
    max_logit_scale: Annotated[float, Field(ge=1)] = 100.0
