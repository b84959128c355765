"""Phantoms as an image set: drawn once, cached, numbered into train and valid."""

from collections.abc import Mapping

from medfilip_model.config import DataConfig
from medfilip_model.data.samples import ImageSet, Sample, Split
from medfilip_model.phantom import SEEN_CATEGORIES, PhantomConfig, phantom_images, plan_phantom
from medfilip_model.progress import Listener


def phantom_indices(config: DataConfig) -> Mapping[Split, range]:
    """Return the numbers of the phantoms of each split: training first, then held out."""
    return {
        "train": range(config.train),
        "valid": range(config.train, config.train + config.valid),
    }


def load_phantoms(config: DataConfig, size: int, listener: Listener) -> ImageSet:
    """Draw the phantoms of a config, or map those that an earlier call has drawn.

    Args:
        config: How many, from which seed.
        size: Side in pixels.
        listener: Hears how many are drawn.

    Returns:
        The phantoms with all that was drawn as their findings, and their reports; every phantom is
        a patient.
    """
    recipe = PhantomConfig(size=size, seed=config.seed)
    splits = phantom_indices(config)
    indices = [index for part in splits.values() for index in part]
    listener.start("drawing phantoms", len(indices), "images")
    pixels = phantom_images(
        recipe, indices, workers=config.workers, progress=lambda n: listener.advance(n)
    )
    samples: list[Sample] = []
    for split, part in splits.items():
        for index in part:
            plan = plan_phantom(recipe, index)
            report = f"{plan.report.findings}\n\n{plan.report.impression}"
            samples.append(Sample(plan.id, plan.id, split, plan.findings, report=report))
    return ImageSet("phantoms", tuple(samples), pixels, classes=SEEN_CATEGORIES)
