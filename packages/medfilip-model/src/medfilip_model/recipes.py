"""Named runs: functions that return a full config."""

from pathlib import Path

from medfilip_model.config import (
    DataConfig,
    ImageTowerConfig,
    ModelConfig,
    OptimConfig,
    TargetConfig,
    TextTowerConfig,
    TrainConfig,
)


def phantom() -> TrainConfig:
    """The embedded default: phantoms, small towers, two CPU cores, under three minutes.

    The paper's loss, with choices of ours that make it learn in minutes. Trials on 3,500 phantoms
    of an earlier generator, four passes, one seed each (macro AUC): bare targets 0.74; with
    targets in which the least similar 80 % of the pairs count as not similar, batch normalisation,
    scale 4 and rate 3e-3 together 0.80; with a text tower ten times slower besides 0.82. Bare
    targets with that slower tower reached 0.71. What each of the four brings alone is not measured.
    """
    return TrainConfig(
        recipe="phantom",
        out=Path("runs/phantom"),
        epochs=5,
        batch=32,
        data=DataConfig(train=5000, valid=500),
        model=ModelConfig(
            size=96,
            embed=128,
            image_norm=True,
            image=ImageTowerConfig(name="resnet10t", channels=(32, 64, 128, 256), stem_width=16),
            text=TextTowerConfig(width=64, heads=2, layers=2, context=77),
            logit_scale=4.0,
        ),
        targets=TargetConfig(calibration=0.8),
        optim=OptimConfig(lr=3e-3, text_lr=0.1),
    )


def paper() -> TrainConfig:
    """The paper's settings (METHOD 3-6), for `--data` with real images.

    ResNet-50 at 448 pixels, CLIP's text transformer, one space of 768, Bio_ClinicalBERT targets,
    SGD 0.006 with CosineAnnealingWarmRestarts, 100 epochs, no augmentation. The paper leaves the
    batch size and the restart period out; both are the official code's (32; 2 epochs). Unlike the
    paper both towers start from random weights: this version loads none.
    """
    return TrainConfig(
        recipe="paper",
        out=Path("runs/paper"),
        epochs=100,
        batch=32,
        data=DataConfig(augment=False),
        model=ModelConfig(
            size=448,
            embed=768,
            image=ImageTowerConfig(name="resnet50"),
            text=TextTowerConfig(width=512, heads=8, layers=12, context=96),
        ),
        targets=TargetConfig(encoder="hf:emilyalsentzer/Bio_ClinicalBERT", variant="paper"),
        optim=OptimConfig(name="sgd", lr=0.006, weight_decay=1e-4, clip=None, schedule="restarts"),
    )


RECIPES = {"phantom": phantom, "paper": paper}
