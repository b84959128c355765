"""A model that embeds each text once: every image is asked for the same classes."""

import copy
from collections.abc import Sequence

import torch
from medfilip_model.model import MedFILIP
from torch import Tensor

from medfilip_app.recent import Recent

# All texts of the dictionary are some three thousand; the rest are phrases that people type.
_MOST = 16_384


def remembering(model: MedFILIP, most: int = _MOST) -> MedFILIP:
    """The same model, with the embeddings of its texts kept.

    Args:
        model: In evaluation mode; its weights must not change any more.
        most: Texts that are kept.

    Returns:
        A view of the model that shares its weights; the model itself stays as it is.
    """
    known: Recent[str, Tensor] = Recent(most)

    def encode_text(texts: Sequence[str]) -> Tensor:
        found = {text: known.get(text) for text in texts}
        new = [text for text, row in found.items() if row is None]
        if new:
            for text, row in zip(new, model.encode_text(new), strict=True):
                found[text] = row
                known.put(text, row)
        return torch.stack([row for text in texts if (row := found[text]) is not None])

    view = copy.copy(model)
    # As an attribute of the instance it goes before the method of its class.
    view.__dict__["encode_text"] = encode_text
    return view
