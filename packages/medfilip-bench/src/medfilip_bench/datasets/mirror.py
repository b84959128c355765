"""The doubled halves of a set's images, as sets of their own."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from medfilip_model.data import PixelStore
from medfilip_model.statements.evidence import HALVES, Half
from medfilip_model.statements.questions import mirrored

from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.datasets.stores import Made
from medfilip_bench.files import hash_of


def doubled_halves(data: LabelledSet) -> Mapping[Half, LabelledSet]:
    """Return the patients' left and right halves, each made whole by its own mirror image.

    Args:
        data: A set of frontal images; nothing is drawn or read before its pixels are asked for.
    """
    return {half: _half(data, half) for half in HALVES}


def _half(data: LabelledSet, half: Half) -> LabelledSet:
    images = replace(
        data.images,
        name=f"{data.images.name}, {half} halves doubled",
        pixels=_pixels(data.images.pixels, HALVES.index(half)),
    )
    keys = {split: hash_of(["doubled", half, key]) for split, key in data.pixel_keys.items()}
    return replace(data, key=hash_of(["doubled", half, data.key]), pixel_keys=keys, images=images)


def _pixels(store: PixelStore, which: int) -> Made:
    return Made(
        len(store), store.shape[1], lambda row: mirrored(np.asarray(store[row])[None])[which][0]
    )
