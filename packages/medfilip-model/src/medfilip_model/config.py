"""What a training run is: frozen configs, written as JSON beside everything that they made."""

from pathlib import Path
from typing import Annotated, Literal

from iki_knowledge import Template
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medfilip_model.errors import ConfigError

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class Frozen(BaseModel):
    """Base settings: immutable, no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ImageTowerConfig(Frozen):
    """The image encoder.

    Attributes:
        name: A timm model name.
        channels: Width of each stage, where the timm family takes it (ResNets); None: its own.
        stem_width: Width of the stem, likewise.
    """

    name: str = "resnet10t"
    channels: tuple[Positive, ...] | None = None
    stem_width: Positive | None = None


class TextTowerConfig(Frozen):
    """The text encoder: a CLIP-like transformer over CLIP's byte-pair vocabulary.

    Attributes:
        width: Channels of a token.
        heads: Attention heads; divides `width`.
        layers: Transformer blocks.
        context: Longest text in tokens, start and end included; longer texts are cut there.
    """

    width: Positive = 128
    heads: Positive = 4
    layers: Positive = 2
    context: Annotated[int, Field(ge=8)] = 96


class ModelConfig(Frozen):
    """The dual encoder.

    Attributes:
        size: Side of the square input in pixels.
        embed: Size D of the space that both towers project to.
        image_norm: Whether image features pass a batch normalisation before their projection. The
            paper has none; after a ReLU all features are positive, and without it all images start
            with nearly the same embedding.
        image: The image encoder.
        text: The text encoder.
        logit_scale: Scale of the cosines at the start of training.
        max_logit_scale: The learned scale is clamped to [1, this].
    """

    size: Annotated[int, Field(ge=32, le=1024)] = 96
    embed: Positive = 128
    image_norm: bool = False
    image: ImageTowerConfig = ImageTowerConfig()
    text: TextTowerConfig = TextTowerConfig()
    logit_scale: Annotated[float, Field(ge=1)] = 10.0
    max_logit_scale: Annotated[float, Field(ge=1)] = 100.0


class DataConfig(Frozen):
    """Where images and findings come from, and how a finding becomes a text.

    Attributes:
        folder: A folder with ``images/`` and ``manifest.csv``; None draws phantoms.
        findings: A findings.jsonl whose findings replace those of the training images.
        train: Phantoms to train on.
        valid: Phantoms held out for the score after each epoch.
        seed: Seed of the phantoms, apart from the seed of training.
        template: Template that turns a finding into its text.
        normal: The text of an image without any finding.
        augment: Whether training images are shifted and zoomed a little (never flipped: the
            texts name sides).
        workers: Processes that draw or decode images.
    """

    folder: Path | None = None
    findings: Path | None = None
    train: Positive = 3000
    valid: Positive = 500
    seed: int = 0
    template: Template = "paper"
    normal: str = "no acute cardiopulmonary finding, where the lungs are clear and well expanded"
    augment: bool = False
    workers: Positive = 2


class TargetConfig(Frozen):
    """The soft targets and the loss (SSM and ITM, eq. 4-9).

    Attributes:
        encoder: Text encoder of the targets as `ssm.load_encoder` names it; None lets ssm choose.
        group: Whether similarities across categories are masked, as the official code does.
        calibration: Share of the pairs of texts, the least similar ones, that count as not similar
            at all (`ssm.fit_calibration`, ``quantile``); None takes the cosines as they are, as the
            paper does.
        variant: The paper's loss or the official code's.
    """

    encoder: str | None = None
    group: bool = False
    calibration: Annotated[float, Field(gt=0, lt=1)] | None = None
    variant: Literal["paper", "official"] = "paper"


class OptimConfig(Frozen):
    """Optimiser and schedule.

    Attributes:
        name: Optimiser.
        lr: Highest learning rate.
        text_lr: The text tower's rate as a share of `lr`.
        weight_decay: Decay of matrices and kernels; gains, biases and the scale have none.
        clip: Largest norm of the gradient; None leaves it.
        schedule: ``onecycle`` (warm-up, then cosine to nearly zero) or ``restarts``
            (CosineAnnealingWarmRestarts, stepped per batch).
        warmup: Share of the steps that ``onecycle`` warms up for.
        restart_epochs: First period of ``restarts`` in epochs.
        min_lr: Lowest learning rate of ``restarts``.
    """

    name: Literal["adamw", "sgd"] = "adamw"
    lr: Annotated[float, Field(gt=0)] = 1e-3
    text_lr: Annotated[float, Field(gt=0)] = 1.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    clip: Annotated[float, Field(gt=0)] | None = 1.0
    schedule: Literal["onecycle", "restarts"] = "onecycle"
    warmup: Fraction = 0.2
    restart_epochs: Positive = 2
    min_lr: Annotated[float, Field(ge=0)] = 1e-6


class TrainConfig(Frozen):
    """A whole run: with the same machine and config the same weights come out.

    Attributes:
        recipe: Name of the recipe that it came from.
        out: The run folder.
        seed: Seed of weights, batches and augmentation.
        epochs: Passes over the training images.
        batch: Images a step; the last incomplete batch of an epoch is left out.
        precision: ``auto`` takes bfloat16 where the machine computes it natively, else float32.
        data: Images and findings.
        model: Towers.
        targets: Soft targets and loss.
        optim: Optimiser.
    """

    recipe: str = "custom"
    out: Path = Path("runs/custom")
    seed: int = 0
    epochs: Positive = 5
    batch: Annotated[int, Field(ge=2)] = 64
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    targets: TargetConfig = TargetConfig()
    optim: OptimConfig = OptimConfig()

    def replace(self, **changes: object) -> "TrainConfig":
        """Return a copy with fields changed; ``data__train=8`` reaches into a nested config.

        Args:
            **changes: New values by field; ``__`` separates the levels.

        Raises:
            ConfigError: If a field is unknown or a value not allowed.
        """
        tree = self.model_dump()
        for key, value in changes.items():
            *path, last = key.split("__")
            node = tree
            for name in path:
                node = node.setdefault(name, {})
            node[last] = value
        return parse_config(tree)


def parse_config(tree: object) -> TrainConfig:
    """Validate a nested dictionary, such as a config.json holds.

    Raises:
        ConfigError: With the first fault: the field's path, what is wrong, and the value.
    """
    try:
        return TrainConfig.model_validate(tree)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"]) or "config"
        raise ConfigError(f"{where} = {fault['input']!r}: {fault['msg'].lower()}") from error
