"""Ask a model of this package what statements are judged by."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from medfilip_model.encode import encode_images
from medfilip_model.model import MedFILIP
from medfilip_model.statements.fit import Scores
from medfilip_model.statements.questions import Questions, mirrored
from medfilip_model.zeroshot import encode_classes


def ask_statements(
    model: MedFILIP,
    pixels: UInt8[np.ndarray, "N S S"],
    embedded: Float[Tensor, "N D"],
    asked: Questions,
) -> Scores:
    """Return the similarities of images, and of their doubled halves, to the questions' texts.

    Args:
        model: The model.
        pixels: Grey values of the model's input size.
        embedded: The embeddings of the images themselves.
        asked: What to ask.
    """
    texts = encode_classes(model, {str(n): group for n, group in enumerate(asked.prompts)})
    left, right = (encode_images(model, half) for half in mirrored(pixels))
    return Scores(
        whole=_cosines(embedded, texts),
        halves={
            "left": _cosines(left, texts[: asked.plain]),
            "right": _cosines(right, texts[: asked.plain]),
        },
    )


def _cosines(images: Float[Tensor, "N D"], texts: Float[Tensor, "T D"]) -> np.ndarray:
    return (images @ texts.T).numpy().astype(np.float64)


def joined(parts: Sequence[Scores]) -> Scores:
    """Put the scores of several parts of a set of images below each other."""
    return Scores(
        whole=np.concatenate([part.whole for part in parts]),
        halves={
            half: np.concatenate([part.halves[half] for part in parts])
            for half in ("left", "right")
        },
    )
