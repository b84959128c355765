"""One of two gloo processes that encode a small set together; started by test_distributed.py."""

import sys
from pathlib import Path

import numpy as np
from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.distributed import alone, encode_together, first
from medfilip_bench.features import Encoder
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.chance import RandomModel
from medfilip_model.data import ImageSet, Sample


def toys() -> LabelledSet:
    """Nine test images and one for thresholds."""
    pixels = np.random.default_rng(0).integers(0, 256, (10, 8, 8), np.uint8)
    samples = tuple(Sample(f"i{n}", f"p{n}", "test" if n else "valid", ()) for n in range(10))
    return LabelledSet(
        card=Card("toy", "Toy", "hand", "none", "here", "none", {"Mass": "mass"}, "by hand"),
        phantom=False,
        key="toys",
        pixel_keys={"test": "toys, test", "valid": "toys, valid"},
        images=ImageSet("toys", samples, pixels),
        classes=(LabelClass("mass", "Mass"),),
        labels=np.zeros((10, 1)),
        split_words="by hand",
    )


def encoder(cache: Path) -> Encoder:
    """An encoder of random vectors."""
    return Encoder(LoadedModel("x", "x", RandomModel(), "a" * 64, 8, "nothing"), cache, batch=2)


if __name__ == "__main__":
    own = encoder(Path(sys.argv[1]))
    assert not alone()
    encode_together(own, toys(), ("test", "valid"))
    sys.stdout.write(f"{int(first())} {own.encoded}\n")
