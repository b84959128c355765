"""The dual encoder's losses, each a pure function of embeddings or logits and soft targets.

P [N, M] is the cosine similarity of image and text, S [N, M] the soft target, s the logit scale.
"""

import torch
from jaxtyping import Float
from ssm import itm_loss, soft_cross_entropy, soft_sigmoid
from torch import Tensor
from torch.nn import functional

from medfilip_model.config import LossConfig


def embedding_loss(
    images: Float[Tensor, "N D"],
    texts: Float[Tensor, "M D"],
    scale: Float[Tensor, ""],
    targets: Float[Tensor, "N M"],
    config: LossConfig,
) -> Float[Tensor, ""]:
    """The dual encoder's loss as a function of nothing but its embeddings.

    ``itm``: eq. 9 (`ssm.itm_loss`); ``sigmoid``: the mean binary cross-entropy of sigmoid(s·P) with
    S over all pairs; ``infonce``: `info_nce`. The weighted `semantic_reward` is added. Computed in
    float32 at least, under autocast too: half precision would round cosines to 1/256.

    Args:
        images: Unit vectors.
        texts: Unit vectors, one row a label: repeated where a text stands for several labels.
        scale: s itself, not its logarithm.
        targets: S in [0, 1].
        config: Which loss.

    Returns:
        A scalar; 0 without texts.
    """
    with torch.autocast(images.device.type, enabled=False):
        similarity = _full(images) @ _full(texts).T
        targets, scale = targets.to(similarity.dtype), scale.to(similarity.dtype)
        logits = similarity * scale
        if config.name == "itm":
            loss = itm_loss(similarity, targets, logit_scale=scale, variant=config.variant)
        elif config.name == "sigmoid":
            loss = soft_sigmoid(logits, targets)
        else:
            loss = info_nce(logits, targets)
        if config.semantic_reward:
            loss = loss + config.semantic_reward * semantic_reward(logits, targets)
    return loss


def info_nce(logits: Float[Tensor, "N M"], targets: Float[Tensor, "N M"]) -> Float[Tensor, ""]:
    """Cross-entropy over the texts of each image and over the images of each text, averaged.

    The rows of S, and its columns for the second term, are scaled to sum 1, so that several
    positives share the mass. With S the identity this is CLIP's and ConVIRT's loss. An image or a
    text without any positive adds 0 and counts in its mean.
    """
    return (soft_cross_entropy(logits, targets) + soft_cross_entropy(logits.T, targets.T)) / 2


def semantic_reward(
    logits: Float[Tensor, "N M"], targets: Float[Tensor, "N M"]
) -> Float[Tensor, ""]:
    """L_SR: the mean over images of 1 - sum_j softmax(s·P_i)_j S_ij.

    The expected semantic dissimilarity of the text that would be retrieved: low as soon as what is
    retrieved means the same, whichever image it came from. The second source names a semantic
    reward and does not define it; this is ours. An image without a text (a row of zeros) has
    nothing to retrieve: it adds 0 and counts in the mean.
    """
    expected = (functional.softmax(logits, dim=1) * targets).sum(dim=1)
    dissimilar = torch.where((targets > 0).any(dim=1), 1 - expected, 0)
    return dissimilar.sum() / max(len(logits), 1)


def _full(vectors: Tensor) -> Tensor:
    return vectors.to(torch.promote_types(vectors.dtype, torch.float32))
